import { connect, HoldfastProblem } from '@holdfast/client';
import type { RetentionRun, Statistics } from '@holdfast/protocol';
import { expect, test } from 'vitest';

import { askHoldfast, runHoldfast } from '../harness/command.ts';
import { expectDrained } from '../harness/conservation.ts';
import { type Network, startNetwork } from '../harness/network.ts';

const LIMIT_MS = 120_000;
const RETENTION = { node: { records: 10 }, relay: { records: 30 } };

/** A network of one agent with 50 notes, which the node is to keep 10 of, and the relay 30. */
async function filled(): Promise<Network> {
  const network = await startNetwork({ nodes: { workstation: ['ada'] }, nodeFlags: ['--sync-heartbeat-seconds', '1'] });
  const { client } = network.agent('ada');
  await client.collections.declare('notes', { retention: RETENTION });
  for (let n = 0; n < 50; n += 1) await client.collection('notes').put(`n${n}`, { n });
  await expectCompared(network);
  return network;
}

/** Waits until all is sent, and both hold the same. */
async function expectCompared(network: Network): Promise<void> {
  await expectDrained(network);
  await expect.poll(() => digestOf(network), { timeout: 30_000 }).toBe('equal');
}

async function digestOf({ nodes }: Network): Promise<unknown> {
  return (await nodes[0]?.admin.node.status())?.agents[0]?.digest;
}

async function idsOn(place: Pick<Network['desk'], 'query'>): Promise<string[]> {
  const { records } = await place.query({ collection: 'notes', limit: 100 });
  return records.map(({ id }) => id).toSorted();
}

async function idsHere(network: Network): Promise<string[]> {
  const { records } = await network.agent('ada').client.collection('notes').query({ limit: 100 });
  return records.map(({ id }) => id).toSorted();
}

const ids = (from: number): string[] => Array.from({ length: 50 - from }, (_, n) => `n${n + from}`).toSorted();

/** What was said of differences, in either log. */
const saidOfDifferences = ({ nodes, relay }: Network): unknown[] =>
  [...(nodes[0]?.service.log() ?? []), ...relay.log()].filter(({ msg }) =>
    /differ|other records|put back/.test(String(msg)),
  );

test(
  'removes on node and relay what each is to keep no longer, and neither takes it for a loss of the other',
  async () => {
    await using network = await filled();
    const { admin, service } = network.node('workstation');
    const dry = await admin.retention.run({ dryRun: true });
    expect(dry).toMatchObject({ dry_run: true, records: 40, agents: [{ agent: 'ada', waits_for: null }] });
    expect(await idsHere(network)).toHaveLength(50);
    const run = await askHoldfast<RetentionRun>(network.home, ['retention', 'run', '--agent', 'ada', ...service.place]);
    expect(run).toMatchObject({
      dry_run: false,
      records: 40,
      agents: dry.agents.map(({ collections }) => ({ collections })),
    });
    expect(await idsHere(network)).toEqual(ids(40));
    expect(await idsOn(network.desk)).toEqual(ids(0));

    const relayRun = await network.desk.retention.run();
    expect(relayRun).toMatchObject({ records: 20, agents: [{ node: 'workstation', agent: 'ada' }] });
    expect(await idsOn(network.desk)).toEqual(ids(20));

    for (const each of [network.relay, service]) {
      await each.end('SIGTERM');
      await each.start();
      await expectCompared(network);
    }
    await network.agent('ada').client.collection('notes').put('n0', { again: true }, { ack: 'relay', timeout: 30 });
    await expectCompared(network);
    expect(await idsOn(network.desk)).toEqual([...ids(20), 'n0'].toSorted());
    expect(saidOfDifferences(network)).toEqual([]);
    const { stdout } = await runHoldfast(network.home, ['retention', 'show', ...service.place]);
    expect(stdout).toMatch(/every 6 hours, next 20.*\n[^]*ada +notes +10 records +30 records/);
    expect((await admin.retention.show()).declared).toEqual([
      { agent: 'ada', collection: 'notes', retention: RETENTION },
    ]);
  },
  LIMIT_MS,
);

test(
  'what was removed on the node alone comes back with a restore from the relay, and goes again',
  async () => {
    await using network = await filled();
    const { admin, service } = network.node('workstation');
    await admin.retention.run();
    await network.desk.retention.run();
    const restore = ['restore', '--agent', 'ada', '--from', 'relay', ...service.place];
    expect((await runHoldfast(network.home, restore)).exitCode).toBe(0);
    await expectCompared(network);
    expect(await idsHere(network)).toEqual(ids(20));
    expect(await admin.retention.run()).toMatchObject({ records: 20 });
    await expectCompared(network);
    expect(saidOfDifferences(network)).toEqual([]);
  },
  LIMIT_MS,
);

test(
  'nothing the relay has not acknowledged is removed, and what is kept back is told',
  async () => {
    await using network = await filled();
    const { admin, service } = network.node('workstation');
    await network.relay.end('SIGKILL');
    const notes = network.agent('ada').client.collection('notes');
    for (let n = 0; n < 20; n += 1) await notes.put(`new${n}`, { n });
    await network.untilLink('workstation', 'waiting');
    expect(await admin.retention.run()).toMatchObject({ records: 0, agents: [{ waits_for: 'comparison' }] });
    const dry = await admin.retention.run({ dryRun: true });
    expect(dry.agents[0]?.collections).toEqual([expect.objectContaining({ records: 50, kept_back: 10 })]);
    const { stdout } = await runHoldfast(network.home, ['retention', 'run', ...service.place]);
    expect(stdout).toContain('ada waits until node and relay were compared');
    expect(await idsHere(network)).toHaveLength(70);
    await network.relay.start();
    await expectCompared(network);
    expect(await admin.retention.run()).toMatchObject({ records: 60 });
    expect(await idsOn(network.desk)).toHaveLength(70);
  },
  LIMIT_MS,
);

test(
  'statistics tell of the agent whose token asks, of all to admins, and of nothing to a token bound to a resource',
  async () => {
    await using network = await filled();
    const { admin, service } = network.node('workstation');
    const notes = expect.objectContaining({ name: 'notes', records: 50, bytes: 390, records_per_day: 50 / 7 });
    const collections = [expect.objectContaining({ name: 'collections' }), notes];
    expect((await network.agent('ada').client.statistics()).agents).toEqual([{ agent: 'ada', collections }]);
    expect((await admin.statistics()).agents).toEqual([{ agent: 'ada', collections }]);
    const there = await askHoldfast<Statistics>(network.home, ['statistics', '--relay', ...network.relay.place]);
    expect(there.agents).toEqual([{ node: 'workstation', agent: 'ada', collections }]);
    const { token } = await admin.agents.token('ada', { resource: 'app:one' });
    await using bound = connect({ url: service.url, token });
    await expect(bound.statistics()).rejects.toBeInstanceOf(HoldfastProblem);
    const { stdout } = await runHoldfast(network.home, ['statistics', ...service.place]);
    expect(stdout).toMatch(/ada +notes +50 +390 B/);
    const metrics = await (await fetch(`${service.url}/metrics`, { headers: await adminHeaders(service) })).text();
    expect(metrics).toContain('holdfast_retention_removed_records_total 0');
  },
  LIMIT_MS,
);

async function adminHeaders({ directory }: Pick<Network['relay'], 'directory'>): Promise<Record<string, string>> {
  const { readFile } = await import('node:fs/promises');
  return { authorization: `Bearer ${(await readFile(`${directory}/admin.token`, 'utf8')).trim()}` };
}
