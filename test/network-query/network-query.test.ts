import { connect, type Holdfast, HoldfastProblem } from '@holdfast/client';
import { expect, test } from 'vitest';

import { askHoldfast, runHoldfast } from '../harness/command.ts';
import { type Network, startNetwork } from '../harness/network.ts';

const LIMIT_MS = 120_000;
const NODES = { workstation: ['ada', 'ben'], laptop: ['ada', 'cyd'] };

async function fill(network: Network): Promise<void> {
  for (const { client, node, agent } of network.agents) {
    await client.collection('notes').put(`${node}-${agent}`, { n: agent.length }, { ack: 'relay', timeout: 30 });
  }
}

async function idsSeenBy({ network }: Holdfast): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of network.each({ limit: 1 })) ids.push(id);
  return ids;
}

test(
  'an agent that asks the network through its daemon sees its own records, the node’s admin all of the node, nobody another’s',
  async () => {
    await using network = await startNetwork({ nodes: NODES });
    await fill(network);
    const ada = network.agent('ada', 'laptop');
    const admin = network.node('laptop').admin;
    expect(await idsSeenBy(ada.client)).toEqual(['laptop-ada']);
    expect(await idsSeenBy(admin)).toEqual(['laptop-ada', 'laptop-cyd']);
    const wider = { nodes: ['workstation'], agents: ['ada', 'ben'] };
    expect(await ada.client.network.query(wider)).toEqual({ records: [], next: null });
    expect(await admin.network.query(wider)).toEqual({ records: [], next: null });
    const counting = { groupBy: ['node', 'agent'], metrics: { n: { count: '*' as const } } };
    expect(await ada.client.network.aggregate({ aggregate: counting })).toEqual([
      { node: 'laptop', agent: 'ada', n: 1 },
    ]);
    expect(await ada.client.network.explain({ collection: 'notes' })).toHaveProperty('steps');
  },
  LIMIT_MS,
);

test(
  'agents that the relay’s operator says are one are read by each other, also where a resource bounds them',
  async () => {
    await using network = await startNetwork({ nodes: NODES, relayFlags: ['--query-shared-agents', 'ada,ben'] });
    await fill(network);
    const [here, there] = [network.agent('ada', 'laptop'), network.agent('ada', 'workstation')];
    const token = await boundToken(network, 'app:one');
    await using tenant = connect({ url: network.node('laptop').service.url, token });
    await tenant.collection('notes').put('of-one', {}, { ack: 'relay', timeout: 30 });
    const both = ['laptop-ada', 'workstation-ada'];
    expect(await idsSeenBy(here.client)).toEqual(both);
    expect(await idsSeenBy(there.client)).toEqual(both);
    expect(await idsSeenBy(tenant)).toEqual(['of-one']);
    expect(await tenant.network.query({ resources: ['', 'app:two'] })).toEqual({ records: [], next: null });
    // It has no agent ben of its own: that the name is shared elsewhere gives it nothing.
    expect(await idsSeenBy(network.node('laptop').admin)).toEqual(['laptop-ada', 'laptop-cyd', 'of-one', both[1]]);
  },
  LIMIT_MS,
);

test(
  'with the relay gone a query over the network fails soon and says since when, and works again when it is back',
  async () => {
    await using network = await startNetwork({ nodes: { laptop: ['ada'] } });
    await fill(network);
    const { client } = network.agent('ada');
    const { service } = network.node('laptop');
    await network.relay.end('SIGKILL');
    const failure = await client.network.query().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(HoldfastProblem);
    expect(failure).toMatchObject({
      status: 503,
      code: 'relay-unreachable',
      detail: expect.stringContaining('since 20'),
    });
    const args = ['query', 'notes', '--network', '--via-node', '--agent', 'ada', ...service.place];
    const { exitCode, stderr } = await runHoldfast(network.home, args);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('The relay cannot be reached')]);
    await network.relay.start();
    await expect.poll(() => idsSeenBy(client).catch(() => []), { timeout: 60_000 }).toEqual(['laptop-ada']);
    expect((await runHoldfast(network.home, args)).stdout).toContain('laptop-ada');
  },
  LIMIT_MS,
);

test(
  'a node that is cut off with writes waiting shows as such under the answer, and others as up to date',
  async () => {
    // Sessions go on, and no change is taken: the relay's disk has no such reserve.
    const relayFlags = ['--disk-reserve-megabytes', '100000000', '--lease-seconds', '2'];
    await using network = await startNetwork({
      nodes: NODES,
      relayFlags,
      nodeFlags: ['--sync-heartbeat-seconds', '1'],
    });
    const { client } = network.agent('ada', 'laptop');
    for (const id of ['a', 'b', 'c']) await client.collection('notes').put(id, {});
    const told = async (query = {}): Promise<unknown> => (await network.desk.freshness(query)).nodes;
    const laptop = { node: 'laptop', last_contact_at: expect.any(String), connected: true, outstanding: 3 };
    const workstation = { ...laptop, node: 'workstation', outstanding: 0 };
    await expect.poll(told, { timeout: 30_000 }).toEqual([laptop, workstation]);
    expect((await client.network.query({ freshness: true })).freshness).toEqual({ nodes: [laptop] });
    await network.node('laptop').service.end('SIGKILL');
    await expect.poll(told, { timeout: 30_000 }).toEqual([{ ...laptop, connected: false }, workstation]);
    const args = ['query', 'kv', '--network', '--freshness', ...network.relay.place];
    const { stdout, stderr } = await runHoldfast(network.home, args);
    expect(stdout).toBe('no records\n');
    expect(stderr).toMatch(/^1 node up to date; laptop last seen \d+ s ago, 3 changes outstanding\n$/);
    expect(await askHoldfast(network.home, args)).toMatchObject({ records: [], freshness: { nodes: [{}, {}] } });
  },
  LIMIT_MS,
);

test(
  'a collection nobody knows is not found, on the node, through it and on the relay, and a bound token hears of none',
  async () => {
    await using network = await startNetwork({ nodes: { laptop: ['ada'] } });
    await fill(network);
    const { client } = network.agent('ada');
    const { service } = network.node('laptop');
    const near = 'there is no collection "ntoes"; did you mean "notes"?';
    const failure = await client.network.query({ collection: 'ntoes' }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ status: 404, code: 'collection-not-found', detail: expect.stringContaining(near) });
    await using tenant = connect({ url: service.url, token: await boundToken(network, 'app:one') });
    for (const collection of ['ntoes', 'notes'])
      expect(await tenant.network.query({ collection })).toEqual({ records: [], next: null });
    const ways = [service.place, ['--network', '--via-node', ...service.place], ['--network', ...network.relay.place]];
    for (const [index, way] of ways.entries()) {
      const agent = index < 2 ? ['--agent', 'ada'] : [];
      const { exitCode, stderr } = await runHoldfast(network.home, ['query', 'ntoes', ...agent, ...way]);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining(near)]);
    }
  },
  LIMIT_MS,
);

async function boundToken(network: Network, resource: string): Promise<string> {
  const { token } = await network.node('laptop').admin.agents.token('ada', { resource });
  return token;
}
