import { connect, type Holdfast } from '@holdfast/client';
import { expect, test } from 'vitest';

import { type Network, startNetwork } from '../harness/network.ts';
import { documentsIn, following, reads, SHARED_CANDIDATES, subscribed } from './following.ts';

const LIMIT_MS = 120_000;
const NODES = { laptop: ['sourcer'], workstation: ['screening'] };
const CANDIDATES = { collections: ['candidates'] };
const durable = { ack: 'relay', timeout: 30 } as const;
const ada = { name: 'Ada', skills: ['Python'] };

const sharing = (): Promise<Network> => startNetwork({ nodes: NODES, relayFlags: SHARED_CANDIDATES });

test(
  'what agents of another node write is read off-line, with what is declared of it, and what becomes of it arrives',
  async () => {
    await using network = await sharing();
    const sourcer = network.agent('sourcer').client;
    const screening = network.agent('screening').client;
    const { admin } = network.node('workstation');
    await sourcer.collection('candidates').put('before', ada, durable);
    await subscribed(admin, 'candidates', CANDIDATES);
    await reads(screening, 'candidates', { before: ada });
    await sourcer.collection('candidates').put('after', { name: 'Ben' }, durable);
    await sourcer.collection('candidates').put('before', { ...ada, status: 'active' }, durable);
    await sourcer.collection('candidates').put('passing', { name: 'Cyd' }, { ...durable, ttl: 2 });
    const now = { before: { ...ada, status: 'active' }, after: { name: 'Ben' } };
    await reads(screening, 'candidates', now);
    await sourcer.collection('candidates').delete('after', durable);
    await reads(screening, 'candidates', { before: now.before });
    await following(admin, 'candidates');
    await network.relay.end('SIGKILL');
    await network.untilLink('workstation', 'waiting');
    const page = await screening.replica.query({ collection: 'candidates', where: { skills: { hasAll: ['Python'] } } });
    expect(page).toMatchObject({
      records: [{ id: 'before', node: 'laptop', agent: 'sourcer' }],
      next: null,
      subscriptions: [{ name: 'candidates', state: 'off', caught_up_at: expect.any(String) }],
    });
    expect((await screening.replica.query({ collection: 'candidates', search: 'Ada' })).records).toHaveLength(1);
    expect(await screening.replica.get({ collection: 'candidates', id: 'before' })).toMatchObject({ doc: now.before });
    expect(await screening.replica.get({ collection: 'candidates', id: 'after' })).toBeUndefined();
    expect((await screening.replica.explain({ collection: 'candidates', search: 'Ada' })).indexes).toContain('texts');
    const counting = { metrics: { n: { count: '*' as const } } };
    expect(await screening.replica.aggregate({ collection: 'candidates', aggregate: counting })).toEqual([{ n: 1 }]);
  },
  LIMIT_MS,
);

test(
  'a query over the network is answered from the replica while the relay is away, if a subscription covers it, and says so',
  async () => {
    await using network = await sharing();
    const [sourcer, screening] = [network.agent('sourcer').client, network.agent('screening').client];
    for (const id of ['a', 'b']) await sourcer.collection('candidates').put(id, ada, durable);
    await subscribed(network.node('workstation').admin, 'candidates', CANDIDATES);
    const query = { collection: 'candidates', limit: 1 };
    expect(await screening.network.query(query)).not.toHaveProperty('from');
    await network.relay.end('SIGKILL');
    const first = await screening.network.query(query);
    expect(first).toMatchObject({ from: 'replica', records: [{ id: 'a' }], subscriptions: [{ name: 'candidates' }] });
    await expect(screening.network.query({ collection: 'requisitions' })).rejects.toMatchObject({
      status: 503,
      code: 'relay-unreachable',
      detail: expect.stringContaining('a subscription of this node to "requisitions" would answer meanwhile'),
    });
    await network.relay.start();
    await network.untilLink('workstation', 'open');
    const rest = await screening.network.query({ ...query, after: first.next ?? '' });
    expect(rest).toMatchObject({ from: 'replica', records: [{ id: 'b' }], next: null });
    expect(await screening.network.query(query)).not.toHaveProperty('from');
  },
  LIMIT_MS,
);

test(
  'resources never meet in the replica, and an agent reads there what the relay lets it: its own, and what is shared',
  async () => {
    await using network = await sharing();
    const sourcer = network.agent('sourcer').client;
    const [node, home] = [network.node('workstation'), network.node('laptop')];
    const tenantOf = async (at: typeof node, agent: string, resource: string): Promise<Holdfast> =>
      connect({ url: at.service.url, token: (await at.admin.agents.token(agent, { resource })).token });
    await using one = await tenantOf(home, 'sourcer', 'app:one');
    await using other = await tenantOf(home, 'sourcer', 'app:two');
    await using reader = await tenantOf(node, 'screening', 'app:one');
    await sourcer.collection('candidates').put('of-none', {}, durable);
    await one.collection('candidates').put('of-one', {}, durable);
    await other.collection('candidates').put('of-two', {}, durable);
    await sourcer.collection('notes').put('hidden', {}, durable);
    await network.addAgent('workstation', 'other');
    const [screening, neighbour] = [network.agent('screening').client, network.agent('other').client];
    await screening.collection('notes').put('own', {}, durable);
    await subscribed(node.admin, 'all', { collections: ['candidates', 'notes'] });
    expect(await documentsIn(reader, 'candidates')).toEqual({ 'of-one': {} });
    expect((await reader.replica.query({ resources: ['', 'app:two'] })).records).toEqual([]);
    expect(await documentsIn(screening, 'candidates')).toEqual({ 'of-none': {} });
    expect(await documentsIn(screening, 'notes')).toEqual({ own: {} });
    expect(await documentsIn(neighbour, 'notes')).toEqual({});
    expect(Object.keys(await documentsIn(node.admin, 'candidates'))).toEqual(['of-none', 'of-one', 'of-two']);
    expect(await documentsIn(node.admin, 'notes')).toEqual({ own: {} });
    await expect(one.subscriptions.list()).rejects.toMatchObject({ code: 'forbidden' });
    // The relay tells the same.
    expect((await reader.network.query({ collection: 'candidates' })).records).toMatchObject([{ id: 'of-one' }]);
    expect((await neighbour.network.query()).records).toMatchObject([{ id: 'of-none' }]);
  },
  LIMIT_MS,
);
