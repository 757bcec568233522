import type { DurableMessage, Holdfast } from '@holdfast/client';
import { expect, test } from 'vitest';

import { type Network, startNetwork } from '../harness/network.ts';
import { hear, valuesOf } from './hear.ts';

const LIMIT_MS = 180_000;
const NODES = { laptop: ['ada'], workstation: ['ben'] };

const agentsOf = (network: Network): readonly [Holdfast, Holdfast] => [
  network.agent('ada').client,
  network.agent('ben').client,
];

/** Breaks the way to the relay; resolves once both nodes know. */
async function cutOff(network: Network): Promise<void> {
  network.proxy.set({ kind: 'refuse' });
  await network.untilLink('laptop', 'waiting');
  await network.untilLink('workstation', 'waiting');
}

async function restart(network: Network, name: string): Promise<void> {
  const { service } = network.node(name);
  await service.end('SIGKILL');
  await service.start();
}

test(
  'durable messages that were published while the relay was away arrive late and are not passed over',
  async () => {
    await using network = await startNetwork({ nodes: NODES });
    const [ada, ben] = agentsOf(network);
    await cutOff(network);
    const listening = hear(ben, 'news', 3);
    for (const value of ['ada 1', 'ada 2']) {
      expect(await ada.channels.publish('news', value, { durable: true })).toMatchObject({ reach: 'node' });
    }
    await restart(network, 'laptop');
    const late = await hear(ada, 'news', 2);
    expect(valuesOf(late)).toEqual(['ada 1', 'ada 2']);
    await ben.channels.publish('news', 'ben', { durable: true });
    const [own] = await hear(ben, 'news', 1);
    network.proxy.heal();
    expect(valuesOf(await listening)).toEqual(['ben', 'ada 1', 'ada 2']);
    // Published before it, arrived after it: a place is one of arrival, not of publishing.
    expect(own!.id > late[1]!.id).toBe(true);
    expect(valuesOf(await hear(ben, 'news', 2, { after: own!.place }))).toEqual(['ada 1', 'ada 2']);
    expect(valuesOf(await hear(ada, 'news', 1, { after: late[1]!.place }))).toEqual(['ben']);
  },
  LIMIT_MS,
);

test(
  'a durable listener whose daemon is killed again and again hears every message once, in order',
  async () => {
    await using network = await startNetwork({ nodes: NODES });
    const [ada, ben] = agentsOf(network);
    const count = 300;
    const killsAt = new Set([50, 100, 200]);
    let kills = 0;
    const listening = hear(ben, 'steps', count, {
      onEach: async ({ value }) => {
        if (!killsAt.has(value as number)) return;
        await restart(network, 'workstation');
        kills += 1;
      },
    });
    for (let n = 0; n < count; n += 1) await ada.channels.publish('steps', n, { durable: true });
    const all = Array.from({ length: count }, (_, n) => n);
    expect(valuesOf(await listening)).toEqual(all);
    expect(kills).toBe(killsAt.size);
    // Who comes later, and who kept a place over it all, hear the same.
    const replayed = await hear(ben, 'steps', count);
    expect(valuesOf(replayed)).toEqual(all);
    await restart(network, 'workstation');
    expect(valuesOf(await hear(ben, 'steps', 99, { after: replayed[200]!.place }))).toEqual(all.slice(201));
  },
  LIMIT_MS,
);

test(
  'a durable message that was answered is there after its daemon was killed, and one that expired is not',
  async () => {
    await using network = await startNetwork({ nodes: { laptop: ['ada'] } });
    const ada = network.agent('ada').client;
    await ada.channels.publish('news', 'short', { durable: true, ttl: 1 });
    await ada.channels.publish('news', 'long', { durable: true });
    await restart(network, 'laptop');
    let first: DurableMessage | undefined;
    do [first] = await hear(ada, 'news', 1);
    while (first?.value === 'short');
    expect(first?.value).toBe('long');
  },
  LIMIT_MS,
);
