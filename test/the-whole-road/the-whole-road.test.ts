import { connectRelay, type HoldfastProblem, type HoldfastRelay } from '@holdfast/client';
import { seededRandom, testSeed } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { askHoldfast } from '../harness/command.ts';
import { expectConserved, expectDrained } from '../harness/conservation.ts';
import { sampleDocument } from '../harness/documents.ts';
import { Ledger } from '../harness/ledger.ts';
import { Load } from '../harness/load.ts';
import { type Network, startNetwork, startServices } from '../harness/network.ts';
import { differencesNow } from '../harness/stored.ts';

describe('what an agent writes', () => {
  test('is on the relay when the answer says so, byte for byte, and again after each change', async () => {
    await using network = await startNetwork({ nodes: { workstation: ['ada'] }, resource: 'app:user_1' });
    const random = seededRandom(testSeed());
    const { client } = network.agent('ada');
    const notes = client.collection('notes');
    const first = sampleDocument(random, 1);
    const answer = await notes.put('n-1', first, { ack: 'relay', timeout: 30 });
    expect(answer).toEqual({ id: 'n-1', version: expect.any(String), seq: 1, ack: 'relay' });
    const { records } = await network.desk.query();
    expect(records).toEqual([
      {
        node: 'workstation',
        agent: 'ada',
        resource: 'app:user_1',
        collection: 'notes',
        id: 'n-1',
        version: answer.version,
        created_at: expect.any(String),
        updated_at: expect.any(String),
        doc: first,
      },
    ]);
    expect(JSON.stringify(records[0]?.doc)).toBe(JSON.stringify(first));

    const patched = await notes.patch('n-1', { status: null, name: 'Grace' }, { ack: 'relay', timeout: 30 });
    expect(patched).toMatchObject({ seq: 2, ack: 'relay' });
    const { status: _status, ...rest } = first;
    const text = JSON.stringify({ ...rest, name: 'Grace' });
    expect(await textsOnRelay(network)).toEqual([text]);

    await client.kv.put('settings', [1, null, 'x'], { ack: 'relay', timeout: 30 });
    expect(await textsOnRelay(network, 'kv')).toEqual(['[1,null,"x"]']);
    expect(await differencesNow(network)).toEqual([]);
  });

  test('is gone from the relay when it is deleted or its time is over', async () => {
    await using network = await startNetwork({ nodes: { workstation: ['ada'] } });
    const notes = network.agent('ada').client.collection('notes');
    for (const id of ['deleted', 'expiring', 'staying']) await notes.put(id, { id }, { ack: 'relay', timeout: 30 });
    const { version } = await notes.put('expiring', { id: 'expiring' }, { ttl: 4, ack: 'relay', timeout: 30 });
    const expiring = await network.desk.query({ where: { version } });
    expect(expiring.records).toMatchObject([{ id: 'expiring', expires_at: expect.any(String) }]);
    expect(await notes.delete('deleted', { ack: 'relay', timeout: 30 })).toMatchObject({ ack: 'relay' });
    expect(await textsOnRelay(network)).not.toContain('{"id":"deleted"}');
    await expect.poll(() => textsOnRelay(network), { timeout: 20_000 }).toEqual(['{"id":"staying"}']);
    await expect.poll(() => notes.get('expiring')).toBeUndefined();
    expect(await differencesNow(network)).toEqual([]);
  });

  test('before its node joined comes to the relay too, and so does what agents made later write', async () => {
    await using network = await startServices({ nodes: { workstation: [] } });
    const ledger = new Ledger();
    await network.addAgent('workstation', 'early');
    using early = new Load({ agents: network.agents, ledger, seed: testSeed(), restMs: 5 });
    await early.during(ledger.moreAcknowledged(100));
    expect(await network.desk.nodes()).toEqual([]);
    await network.join('workstation');
    const late = await network.addAgent('workstation', 'late');
    using later = new Load({ agents: [late], ledger, seed: testSeed() + 100, restMs: 5 });
    await later.during(ledger.moreAcknowledged(200));
    await Promise.all([early.finish(), later.finish()]);
    const { records } = await expectConserved(network, ledger);
    const agents = await network.desk.aggregate({ aggregate: { groupBy: ['agent'], metrics: { n: { count: '*' } } } });
    const counts = new Map(agents.map(({ agent, n }) => [agent, Number(n)]));
    expect(counts.size).toBe(2);
    expect((counts.get('early') ?? 0) + (counts.get('late') ?? 0)).toBe(records);
  });

  test('stays apart from what another node’s agent of the same name writes under the same id', async () => {
    await using network = await startNetwork({ nodes: { workstation: ['ada'], laptop: ['ada'] } });
    for (const { node, client } of network.agents) {
      await client.collection('notes').put('same', { from: node }, { ack: 'relay', timeout: 30 });
    }
    const laptop = network.agent('ada', 'laptop').client.collection('notes');
    await laptop.patch('same', { changed: true }, { ack: 'relay', timeout: 30 });
    const { records } = await network.desk.query({ collection: 'notes' });
    const found = new Map(records.map(({ node, agent, id, doc }) => [node, { agent, id, doc }]));
    expect(found).toEqual(
      new Map([
        ['workstation', { agent: 'ada', id: 'same', doc: { from: 'workstation' } }],
        ['laptop', { agent: 'ada', id: 'same', doc: { from: 'laptop', changed: true } }],
      ]),
    );
    expect(await laptop.delete('same', { ack: 'relay', timeout: 30 })).toMatchObject({ ack: 'relay' });
    expect(await textsOnRelay(network)).toEqual(['{"from":"workstation"}']);
    expect(await network.agent('ada', 'workstation').client.collection('notes').get('same')).toBeDefined();
  });
});

describe('by command line alone', () => {
  test('a network is set up, written to and asked', async () => {
    await using network = await startServices({ nodes: { workstation: [] } });
    const { home, relay, proxy } = network;
    const { place } = network.node('workstation').service;
    const invited = await askHoldfast<{ token: string; relay: string }>(home, [
      'invite',
      'workstation',
      '--relay',
      proxy.url,
      ...relay.place,
    ]);
    await askHoldfast(home, ['join', '--relay', invited.relay, '--name', 'workstation', '-', ...place], invited.token);
    await askHoldfast(home, ['agent', 'create', 'ada', ...place]);
    await askHoldfast(home, ['put', 'notes', 'n-1', '{"hello":"wörld"}', '--agent', 'ada', ...place]);
    await expectDrained(network);
    const { records } = await askHoldfast<{ records: readonly object[] }>(home, [
      'query',
      'notes',
      '--network',
      ...relay.place,
    ]);
    expect(records).toMatchObject([{ node: 'workstation', agent: 'ada', id: 'n-1', doc: { hello: 'wörld' } }]);
    const status = await askHoldfast<{ node: object }>(home, ['status', ...place]);
    expect(status.node).toMatchObject({
      node: 'workstation',
      relay: { url: proxy.url, state: 'open', error: null },
      agents: [{ agent: 'ada', records: 1, seq: 1, acked_seq: 1, outbox: { records: 0 }, dead_letters: 0 }],
    });
  });
});

describe('on the relay', () => {
  test('viewers read, operators invite, admins make tokens, and strangers get nothing', async () => {
    await using network = await startNetwork({ nodes: { workstation: ['ada'] } });
    const { desk, relay } = network;
    await network.agent('ada').client.collection('notes').put('n', { n: 1 }, { ack: 'relay', timeout: 30 });
    const tokens = {
      viewer: (await desk.token({ role: 'viewer', name: 'vera' })).token,
      operator: (await desk.token({ role: 'operator', name: 'olga' })).token,
      stranger: 'hf_000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    };
    await using viewer = connectRelay({ url: relay.url, token: tokens.viewer });
    await using operator = connectRelay({ url: relay.url, token: tokens.operator });
    await using stranger = connectRelay({ url: relay.url, token: tokens.stranger });
    const calls: readonly ((caller: HoldfastRelay) => Promise<unknown>)[] = [
      (caller) => caller.query(),
      (caller) => caller.nodes(),
      (caller) => caller.deadLetters.list(),
      (caller) => caller.invite({ node: 'laptop' }),
      (caller) => caller.token({ role: 'admin', name: 'mallory' }),
    ];
    const rights = (caller: HoldfastRelay): Promise<string[]> => Promise.all(calls.map((call) => codeOf(call(caller))));
    expect(await rights(viewer)).toEqual(['ok', 'ok', 'forbidden', 'forbidden', 'forbidden']);
    expect(await rights(operator)).toEqual(['ok', 'ok', 'ok', 'ok', 'forbidden']);
    expect(await rights(stranger)).toEqual(calls.map(() => 'unauthenticated'));
    expect(await rights(desk)).toEqual(calls.map(() => 'ok'));
  });
});

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'ok',
    (problem: HoldfastProblem) => problem.code,
  );
}

async function textsOnRelay({ desk }: Network, collection = 'notes'): Promise<readonly string[]> {
  const { records } = await desk.query({ collection });
  return records.map(({ doc }) => JSON.stringify(doc)).toSorted();
}
