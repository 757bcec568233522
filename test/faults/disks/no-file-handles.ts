import { runProgram } from '@holdfast/testkit';

import { HoldfastProblem } from '@holdfast/client';

import { type Agent, type Network, startNetwork } from '../../harness/network.ts';
import { type FaultCase, type FaultPlan, type Findings, Tally } from '../fault-case.ts';

const AGENTS = 30;
/** Fewer than a daemon has open by itself: whatever needs a further one is refused it. */
const FEW_HANDLES = 20;
const MANY_HANDLES = 4096;

/** A daemon that has not enough file handles for all its agents, and gets more later. */
export const noFileHandles: FaultCase = {
  name: 'no-file-handles',
  promise: 'without file handles an agent is refused and no process ends; with handles again all is there',
  full: 10,
  slice: 1,
  needs: ['prlimit'],
  run: async (plan) => {
    const names = Array.from({ length: AGENTS }, (_, number) => `agent-${number}`);
    await using network = await startNetwork({ nodes: { n: names }, nodeFlags: ['--files-open', '4'] });
    return await starve(network, plan);
  },
};

async function starve(network: Network, { cases, progress }: FaultPlan): Promise<Findings> {
  const tally = new Tally();
  const { service } = network.node('n');
  const written = new Map<Agent, number>();
  for (let time = 1; time <= cases; time += 1) {
    await service.end('SIGKILL');
    await service.start(['prlimit', `--nofile=${MANY_HANDLES}:${MANY_HANDLES}`]);
    const { pid } = service;
    // Node takes at its start all it may have, so they are taken away afterwards, when everybody is connected.
    for (const agent of network.agents) await agent.client.kv.get('time');
    await limitHandles(pid, FEW_HANDLES);
    for (const agent of network.agents) await tryWrite(agent, time, written, tally);
    await limitHandles(pid, MANY_HANDLES);
    for (const agent of network.agents) tally.violate(`time ${time}`, await wrongIn(agent, time, written));
    if (!service.isRunning || service.pid !== pid) tally.violate(`time ${time}`, ['the daemon ended']);
    progress(`${time} times, ${tally.violations} violations`);
  }
  return tally.findings();
}

async function limitHandles(pid: number, handles: number): Promise<void> {
  await runProgram('prlimit', ['--pid', String(pid), `--nofile=${handles}:${MANY_HANDLES}`]);
}

async function tryWrite(agent: Agent, time: number, written: Map<Agent, number>, tally: Tally): Promise<void> {
  try {
    await agent.client.kv.put('time', time);
    written.set(agent, time);
    tally.count('writes taken');
  } catch (error) {
    // A connection that cannot be accepted is no answer; everything else must have its code.
    tally.fire(error instanceof HoldfastProblem ? `refused with ${error.code}` : 'connections not accepted');
  }
}

/** With handles again: what was acknowledged is there, and writes are taken. */
async function wrongIn(agent: Agent, time: number, written: Map<Agent, number>): Promise<readonly string[]> {
  const found = (await agent.client.kv.get<number>('time'))?.value;
  const known = written.get(agent);
  await agent.client.kv.put('time', time);
  written.set(agent, time);
  const isKept = found === known || found === time;
  return isKept ? [] : [`${agent.agent} holds ${found} and was told ${known}`];
}
