import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { connect, type Holdfast } from '@holdfast/client';
import { eventually } from '@holdfast/testkit';

import { waitingRecords } from '../../harness/conservation.ts';
import { type Agent, type Network, startNetwork } from '../../harness/network.ts';
import { Service } from '../../harness/service.ts';
import { stablePort } from '../../harness/stable-port.ts';
import { type FaultCase, type FaultPlan, type Findings, Tally } from '../fault-case.ts';

const AGENTS = ['ada', 'ben', 'cyd', 'dov'];
const DOCUMENT_CHARACTERS = 8000;
const RECORDS_OF_A_MEGABYTE = 125;
const PAGE = 500;
const LIMIT_MS = 7_200_000;

/** A node of so many megabytes whose machine is gone: another one takes it over from the relay alone. */
export const restoreGigabyte: FaultCase = {
  name: 'restore-gigabyte',
  promise: 'a node of 1 GB is taken over from the relay, complete and equal',
  full: 1000,
  slice: 5,
  needs: [],
  run: async (plan) => {
    await using network = await startNetwork({ nodes: { n: AGENTS } });
    return await takeOver(network, plan);
  },
};

async function takeOver(network: Network, { cases, progress }: FaultPlan): Promise<Findings> {
  const tally = new Tally();
  await fill(network.agents, cases);
  await eventually(async () => assert.equal(await waitingRecords(network.node('n')), 0), { limitMs: LIMIT_MS });
  progress('the relay has everything');
  const before = await contentsOf(network.agents);
  await network.node('n').service.end('SIGKILL');
  tally.fire('machines gone');
  await using service = new Service({ kind: 'node', name: 'second', home: network.home, port: await stablePort() });
  await service.start();
  await using admin = connect({ url: service.url, token: service.adminToken });
  const { token } = await network.desk.invite({ node: 'n', replaces: true });
  const startedAtMs = performance.now();
  await admin.node.adopt({ relay: network.proxy.url, token, name: 'n' });
  for (const agent of AGENTS) await restored(admin, agent);
  const seconds = (performance.now() - startedAtMs) / 1000;
  tally.note('megabytes', cases);
  tally.note(
    'records',
    [...before.values()].reduce((sum, { records }) => sum + records, 0),
  );
  tally.note('seconds to restore', Math.round(seconds));
  const clients = await Promise.all(AGENTS.map((agent) => agentOn(service, admin, agent)));
  const after = await contentsOf(clients);
  for (const [agent, { hash }] of before)
    if (after.get(agent)?.hash !== hash) tally.violate(agent, ['it is not the same']);
  for (const { client } of clients) await client.close();
  return tally.findings();
}

async function fill(agents: readonly Agent[], megabytes: number): Promise<void> {
  const text = 'holdfast '.repeat(DOCUMENT_CHARACTERS / 9);
  for (let megabyte = 0; megabyte < megabytes; megabyte += 1) {
    const agent = agents[megabyte % agents.length];
    assert(agent);
    const operations = Array.from({ length: RECORDS_OF_A_MEGABYTE }, (_, n) => {
      return { op: 'put', collection: 'notes', id: `r-${megabyte}-${n}`, doc: { megabyte, n, text } } as const;
    });
    await agent.client.stream(operations);
  }
}

async function restored(admin: Holdfast, agent: string): Promise<void> {
  await eventually(async () => assert.equal((await admin.agents.restoreStatus(agent)).state, 'done'), {
    limitMs: LIMIT_MS,
    everyMs: 200,
  });
}

interface Contents {
  readonly records: number;
  /** Of everything about every record, in the order of ids. */
  readonly hash: string;
}

async function contentsOf(agents: readonly Agent[]): Promise<ReadonlyMap<string, Contents>> {
  const found = new Map<string, Contents>();
  for (const { agent, client } of agents) {
    const hash = createHash('sha256');
    let records = 0;
    for await (const record of client.collection('notes').each({ limit: PAGE, orderBy: [{ id: 'asc' }] })) {
      hash.update(JSON.stringify(record));
      records += 1;
    }
    found.set(agent, { records, hash: hash.digest('hex') });
  }
  return found;
}

async function agentOn(service: Service, admin: Holdfast, agent: string): Promise<Agent> {
  const { token } = await admin.agents.token(agent);
  const client = connect({ url: service.url, token, retries: 0 });
  return { node: 'n', agent, resource: '', client, whenUp: () => service.whenUp() };
}
