import { describe, expect, test } from 'vitest';

import { Ear } from './ear.ts';
import { hear, valuesOf } from './hear.ts';
import { LiveNode } from './live-node.ts';
import { ada, bob, here, network, there, useTwoNodes } from './two-nodes.ts';

describe('durable messages of two nodes', () => {
  useTwoNodes();

  test('are heard once each by durable listeners and by others, wherever they listen', async () => {
    await using far = await Ear.open(bob, 'agent:updates:*');
    await using near = await Ear.open(ada, 'agent:updates:ada');
    const all = Array.from({ length: 50 }, (_, n) => n);
    const durably = Promise.all([hear(bob, 'agent:*:ada', 50), hear(ada, '*', 50)]);
    for (const n of all) {
      const sent = await ada.channels.publish('agent:updates:ada', n, { durable: true });
      expect(sent).toMatchObject({ listeners: 1, reach: 'network' });
    }
    for (const heard of await durably) expect(valuesOf(heard)).toEqual(all);
    const [first] = await hear(bob, 'agent:updates:ada', 1);
    expect(first).toMatchObject({ channel: 'agent:updates:ada', from: { node: 'here', agent: 'ada' }, value: 0 });
    // By now each node has them by the feed as well: whoever listens live would have heard them again.
    await ada.channels.publish('agent:updates:ada', 'end');
    expect(await far.values(51)).toEqual([...all, 'end']);
    expect(await near.values(51)).toEqual([...all, 'end']);
  });

  test('reach a node that joins later, as far as they are kept', async () => {
    await ada.channels.publish('news', 'kept', { durable: true });
    await ada.channels.publish('news', 'live');
    await ada.channels.publish('news', 'kept too', { durable: true });
    await using later = await LiveNode.join(network, 'later');
    expect(valuesOf(await hear(await later.agent('eve'), 'news', 2))).toEqual(['kept', 'kept too']);
  });

  test('of resources hear nothing of each other, on other nodes either', async () => {
    await (await here.agent('ada', 'app:one')).channels.publish('news', 'one', { durable: true });
    await (await here.agent('ada', 'app:two')).channels.publish('news', 'two', { durable: true });
    await ada.channels.publish('news', 'plain', { durable: true });
    // The feed brings them in order: who has the last has had the others.
    expect(valuesOf(await hear(bob, '*', 1))).toEqual(['plain']);
    const tenant = await there.agent('bob', 'app:one');
    expect(valuesOf(await hear(tenant, '*', 1))).toEqual(['one']);
    await tenant.channels.publish('news', 'one more', { durable: true });
    expect(valuesOf(await hear(tenant, '*', 2))).toEqual(['one', 'one more']);
  });
});
