import { eventually } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { Ear } from './ear.ts';
import { ada, bob, here, network, there, useTwoNodes } from './two-nodes.ts';

const PATIENCE = { limitMs: 60_000 };

describe('channels of two nodes', () => {
  useTwoNodes();

  test('what is published on one is heard on the other, once, and at home once', async () => {
    await using far = await Ear.open(bob, 'agent:updates:*');
    await using near = await Ear.open(ada, 'agent:updates:ada');
    for (let n = 0; n < 200; n += 1) {
      const sent = await ada.channels.publish('agent:updates:ada', n);
      expect(sent).toMatchObject({ listeners: 1, reach: 'network' });
    }
    const all = Array.from({ length: 200 }, (_, n) => n);
    expect(await far.values(200)).toEqual(all);
    expect(await near.values(200)).toEqual(all);
    expect(far.heard[0]).toMatchObject({ channel: 'agent:updates:ada', from: { node: 'here', agent: 'ada' } });
    await bob.channels.publish('agent:updates:ada', 'back');
    expect((await near.values(201)).at(-1)).toBe('back');
    expect((await far.values(201)).at(-1)).toBe('back');
  });

  test('a listener that comes later is known to the other node as soon as its stream begins', async () => {
    for (let n = 0; n < 20; n += 1) {
      await using ear = await Ear.open(bob, `room:${n}`);
      await ada.channels.publish(`room:${n}`, n);
      expect(await ear.values(1)).toEqual([n]);
    }
    expect((await ada.channels.present('room:*')).present.length).toBeLessThanOrEqual(1);
  });

  test('presence is of the whole network', async () => {
    await using _near = await Ear.open(ada, 'news');
    await using _far = await Ear.open(bob, 'n*');
    await using _tenant = await Ear.open(await there.agent('bob', 'app:one'), 'news');
    const present = [
      { node: 'here', agent: 'ada', listeners: 1 },
      { node: 'there', agent: 'bob', listeners: 1 },
    ];
    await eventually(
      async () => expect(await ada.channels.present('news')).toEqual({ present, reach: 'network' }),
      PATIENCE,
    );
    await eventually(
      async () =>
        expect(await bob.channels.present('news')).toEqual({ present: present.toReversed(), reach: 'network' }),
      PATIENCE,
    );
  });

  test('resources hear nothing of each other, on other nodes either', async () => {
    await using plain = await Ear.open(bob, '*');
    await using tenant = await Ear.open(await there.agent('bob', 'app:one'), '*');
    await (await here.agent('ada', 'app:one')).channels.publish('news', 'one');
    await (await here.agent('ada', 'app:two')).channels.publish('news', 'two');
    await ada.channels.publish('news', 'plain');
    expect(await plain.values(1)).toEqual(['plain']);
    expect(await tenant.values(1)).toEqual(['one']);
  });

  test('without the relay a node goes on alone, and with it again the network does, while listeners do nothing', async () => {
    await using far = await Ear.open(bob, 'news');
    await using near = await Ear.open(ada, 'news');
    await ada.channels.publish('news', 1);
    await Promise.all([far.values(1), near.values(1)]);
    await network.stopRelay();
    await here.untilReach('node');
    expect(await ada.channels.publish('news', 2)).toMatchObject({ listeners: 1, reach: 'node' });
    expect(await near.values(2)).toEqual([1, 2]);
    expect(await ada.channels.present('news')).toEqual({
      present: [{ node: 'here', agent: 'ada', listeners: 1 }],
      reach: 'node',
    });
    await using during = await Ear.open(bob, 'later');
    await network.startRelay();
    await here.untilReach('network');
    await there.untilReach('network');
    await eventually(async () => expect((await ada.channels.present('news')).present).toHaveLength(2), PATIENCE);
    expect(await ada.channels.publish('news', 3)).toMatchObject({ reach: 'network' });
    await ada.channels.publish('later', 4);
    expect(await near.values(3)).toEqual([1, 2, 3]);
    expect(await far.values(2)).toEqual([1, 3]);
    expect(await during.values(1)).toEqual([4]);
  });

  test('a node that starts again is heard again', async () => {
    await using far = await Ear.open(bob, 'news');
    await here.restart();
    await here.untilReach('network');
    await eventually(async () => expect((await ada.channels.present('news')).present).toHaveLength(1), PATIENCE);
    await ada.channels.publish('news', 'again');
    expect(await far.values(1)).toEqual(['again']);
  });
});
