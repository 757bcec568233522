import { type Holdfast, HoldfastProblem, type WatchedKey } from '@holdfast/client';
import { eventually } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { type Network, startNetwork } from '../harness/network.ts';

const LIMIT_MS = 120_000;
const PATIENCE = { limitMs: 60_000 };
const NODES = { laptop: ['ada'], workstation: ['ben'] };

type Change = WatchedKey<unknown>;

/** Changes of keys that begin so, up to one that is the last. */
async function seen(client: Holdfast, prefix: string, isLast: (change: Change) => boolean): Promise<Change[]> {
  const changes: Change[] = [];
  for await (const change of client.context.watch<unknown>(prefix)) {
    changes.push(change);
    if (isLast(change)) break;
  }
  return changes;
}

/** Resolves once a node has a value under a key. */
async function arrived(client: Holdfast, wanted: string, value: unknown): Promise<void> {
  await seen(client, wanted, (change) => change.key === wanted && change.value === value);
}

const agentsOf = (network: Network): readonly [Holdfast, Holdfast] => [
  network.agent('ada').client,
  network.agent('ben').client,
];

test(
  'what one agent shares is seen on another node as it changes, and read there without the relay',
  async () => {
    await using network = await startNetwork({ nodes: NODES });
    const [ada, ben] = agentsOf(network);
    await ada.context.put('candidate:1', { score: 0.5, skills: ['Python'] });
    expect(await ada.context.get('candidate:1')).toMatchObject({ value: { score: 0.5 } });
    await seen(ben, 'candidate:1', () => true);
    const following = seen(ben, 'candidate:', ({ deleted }) => deleted);
    await ben.context.patch('candidate:1', { score: 0.9 });
    await seen(ada, 'candidate:1', ({ value }) => (value as { score: number }).score === 0.9);
    await ada.context.put('other', 1);
    await ada.context.delete('candidate:1');
    const changes = await following;
    expect(changes.every(({ key }) => key === 'candidate:1')).toBe(true);
    expect(changes.at(-1)).toMatchObject({ deleted: true, value: undefined });
    await arrived(ben, 'other', 1);
    await network.relay.end('SIGKILL');
    await network.node('workstation').service.end('SIGKILL');
    await network.node('workstation').service.start();
    expect(await ben.context.get('other')).toMatchObject({ value: 1 });
    expect(await ben.context.get('candidate:1')).toBeUndefined();
  },
  LIMIT_MS,
);

test(
  'of two nodes that wrote one key apart from each other the later write counts on both and on the relay',
  async () => {
    await using network = await startNetwork({ nodes: NODES });
    const [ada, ben] = agentsOf(network);
    await ada.context.put('plan', 'first');
    await arrived(ben, 'plan', 'first');
    network.proxy.set({ kind: 'refuse' });
    await network.untilLink('laptop', 'waiting');
    await network.untilLink('workstation', 'waiting');
    await ben.context.put('plan', 'of ben');
    await ada.context.put('plan', 'of ada, later');
    await ben.context.put('alone', 'of ben');
    network.proxy.heal();
    await arrived(ben, 'plan', 'of ada, later');
    await arrived(ada, 'alone', 'of ben');
    expect(await ada.context.get('plan')).toMatchObject({ value: 'of ada, later' });
    const { records } = await network.desk.query({ collection: 'context' });
    expect(records.map(({ id, doc }) => [id, doc])).toEqual([
      ['alone', 'of ben'],
      ['plan', 'of ada, later'],
    ]);
  },
  LIMIT_MS,
);

test(
  'a write under a condition is held against what other nodes wrote, as far as it is known',
  async () => {
    await using network = await startNetwork({ nodes: NODES });
    const [ada, ben] = agentsOf(network);
    const { version } = await ada.context.put('leader', 'ada');
    await arrived(ben, 'leader', 'ada');
    await expect(ben.context.put('leader', 'ben', { ifNoneMatch: '*' })).rejects.toBeInstanceOf(HoldfastProblem);
    await ben.context.put('leader', 'ben', { ifMatch: version });
    await arrived(ada, 'leader', 'ben');
    await expect(ada.context.put('leader', 'ada', { ifMatch: version })).rejects.toMatchObject({
      code: 'precondition-failed',
    });
  },
  LIMIT_MS,
);

test(
  'a collection that was declared shared is followed by its name, over a kill of the daemon, each state once',
  async () => {
    await using network = await startNetwork({ nodes: NODES });
    const [ada, ben] = agentsOf(network);
    await ada.collections.declare('board', { conflict: 'shared', fields: { n: { type: 'integer' } } });
    const board = ada.collection<{ n: number }>('board');
    await board.put('note:0', { n: 0 });
    await board.put('other', { n: 0 });
    // It is known there once it came by the feed.
    await eventually(async () => expect(await ben.collection('board').get('note:0')).toBeDefined(), PATIENCE);
    const seen: unknown[] = [];
    let last = '';
    for await (const { id, doc, deleted, place } of ben.collection<{ n: number }>('board').watch({ prefix: 'note:' })) {
      seen.push([id, deleted ? 'deleted' : doc?.n]);
      last = place;
      if (deleted) break;
      if (doc?.n === 1) {
        const { service } = network.node('workstation');
        await service.end('SIGKILL');
        await service.start();
        await board.delete('note:0');
      } else await board.put('note:1', { n: 1 });
    }
    expect(seen).toEqual([
      ['note:0', 0],
      ['note:1', 1],
      ['note:0', 'deleted'],
    ]);
    await board.put('note:2', { n: 2 });
    for await (const { id } of ben.collection('board').watch({ prefix: 'note:', after: last })) {
      expect(id).toBe('note:2');
      break;
    }
    await expect(ben.collection('own').watch()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'not-shared',
    });
  },
  LIMIT_MS,
);
