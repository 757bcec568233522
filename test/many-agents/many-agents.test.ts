import { expect, test } from 'vitest';

import { expectConserved, expectDrained, waitingRecords } from '../harness/conservation.ts';
import { Ledger } from '../harness/ledger.ts';
import { type Agent, type Network, startNetwork } from '../harness/network.ts';

const AGENTS = 500;
const OPEN_FILES = 32;
const RECORDS_EACH = 3;
/** Agents that write at the same moment. Fewer than files may be open: a file in use is not closed. */
const AT_ONCE = 12;
const LIMIT_MS = 300_000;

test(
  '500 agents on one node: all of it on the relay, few files open, also when both ends were down in between',
  async () => {
    await using network = await startNetwork({
      nodes: { workstation: [] },
      nodeFlags: ['--files-open', String(OPEN_FILES)],
    });
    const { service } = network.node('workstation');
    const names = Array.from({ length: AGENTS }, (_, at) => `agent-${at}`);
    await eachAtOnce(names, async (name) => {
      await network.addAgent('workstation', name);
    });
    const ledger = new Ledger();
    const openFiles: number[] = [];
    const writeAll = async (round: number): Promise<void> => {
      await eachAtOnce(network.agents, async (agent) => {
        await writeRound(agent, ledger, round);
        if (agent.agent.endsWith('99')) openFiles.push(await metric(network, 'open_files'));
      });
    };

    await writeAll(0);
    await expectDrained(network);

    await network.relay.end('SIGKILL');
    await writeAll(1);
    const waiting = await waitingRecords(network.node('workstation'));
    expect(waiting).toBe(AGENTS * RECORDS_EACH);
    expect(await service.end('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    await service.start();
    expect(await waitingRecords(network.node('workstation'))).toBe(waiting);
    await network.untilLink('workstation', 'waiting');
    await network.relay.start();
    const { records, acknowledgedWrites } = await expectConserved(network, ledger);
    expect(records).toBe(AGENTS * (RECORDS_EACH + 1));
    expect(acknowledgedWrites).toBe(AGENTS * RECORDS_EACH * 2);

    openFiles.push(await metric(network, 'open_files'));
    expect(openFiles.length).toBeGreaterThan(5);
    expect(Math.min(...openFiles)).toBeGreaterThan(0);
    expect(Math.max(...openFiles)).toBeLessThanOrEqual(OPEN_FILES);
    expect(await metric(network, 'agents')).toBe(AGENTS);
    expect(await metric(network, 'outbox_records')).toBe(0);
  },
  LIMIT_MS,
);

/** Every record but the first of the round before is written anew, and one is added. */
async function writeRound(agent: Agent, ledger: Ledger, round: number): Promise<void> {
  for (let number = round; number < round + RECORDS_EACH; number += 1) {
    const { node, agent: name, resource } = agent;
    const key = { node, agent: name, resource, collection: 'notes', id: `n-${number}` };
    const doc = { of: name, number, round };
    const attempt = ledger.attempt([{ key, text: JSON.stringify(doc) }]);
    attempt.acknowledged([await agent.client.collection('notes').put(key.id, doc)]);
  }
}

async function eachAtOnce<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function metric(network: Network, name: string): Promise<number> {
  const { service } = network.node('workstation');
  const answer = await fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${service.adminToken}` } });
  const [, value] = new RegExp(`^holdfast_${name} (\\S+)$`, 'm').exec(await answer.text()) ?? [];
  if (value === undefined) throw new Error(`no metric ${name}`);
  return Number(value);
}
