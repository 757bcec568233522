import { limits } from '@holdfast/protocol';
import { eventually, temporaryDirectory, type TemporaryDirectory } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { Ear } from './ear.ts';
import { LiveNode } from './live-node.ts';

const PATIENCE = { limitMs: 20_000 };

describe('channels of a node without a relay', () => {
  let home: TemporaryDirectory;
  let node: LiveNode;
  beforeEach(async () => {
    home = await temporaryDirectory();
    node = await LiveNode.start(home.file('node'));
  });
  afterEach(async () => {
    await node.stop();
    await home[Symbol.asyncDispose]();
  });

  test('a message is heard by all who listen to its channel, by name and by pattern, with who sent it', async () => {
    const [ada, bob] = [await node.agent('ada'), await node.agent('bob')];
    await using named = await Ear.open(bob, 'agent:updates:ada');
    await using covered = await Ear.open(ada, 'agent:*:ada');
    await using other = await Ear.open(bob, 'agent:updates:bob');
    const sent = await ada.channels.publish('agent:updates:ada', { step: 1, text: 'é\n"' });
    expect(sent).toEqual({ id: expect.any(String), listeners: 2, reach: 'node' });
    const message = {
      id: sent.id,
      channel: 'agent:updates:ada',
      from: { node: null, agent: 'ada' },
      value: { step: 1, text: 'é\n"' },
    };
    await Promise.all([named.values(1), covered.values(1)]);
    expect([named.heard, covered.heard]).toEqual([[message], [message]]);
    await ada.channels.publish('agent:updates:bob', 'end');
    expect(await other.values(1)).toEqual(['end']);
  });

  test('messages arrive in order, and any JSON is a message', async () => {
    const ada = await node.agent('ada');
    await using ear = await Ear.open(ada, 'numbers');
    const odd = [null, false, 0, '', [], {}, 'x'.repeat(60_000)];
    for (const value of odd) await ada.channels.publish('numbers', value);
    for (let n = 0; n < 300; n += 1) await ada.channels.publish('numbers', n);
    expect(await ear.values(307)).toEqual([...odd, ...Array.from({ length: 300 }, (_, n) => n)]);
    expect(new Set(ear.heard.map(({ id }) => id)).size).toBe(307);
    expect(ear.heard.map(({ id }) => id)).toEqual(ear.heard.map(({ id }) => id).toSorted());
  });

  test('resources hear nothing of each other', async () => {
    const [ada, one] = [await node.agent('ada'), await node.agent('ada', 'app:one')];
    await using plain = await Ear.open(ada, '*');
    await using tenant = await Ear.open(one, '*');
    expect(await ada.channels.publish('news', 'for all')).toMatchObject({ listeners: 1 });
    expect(await one.channels.publish('news', 'for one')).toMatchObject({ listeners: 1 });
    expect(await plain.values(1)).toEqual(['for all']);
    expect(await tenant.values(1)).toEqual(['for one']);
    expect((await one.channels.present('*')).present).toEqual([{ node: null, agent: 'ada', listeners: 1 }]);
  });

  test('a token bound to a resource acts there only', async () => {
    await node.agent('ada');
    const { token } = await node.admin.agents.token('ada', { resource: 'app:one' });
    const [bound, elsewhere] = [node.client(token), node.client(token, 'app:two')];
    await using ear = await Ear.open(bound, 'news');
    await expect(elsewhere.channels.publish('news', 1)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(Ear.open(elsewhere, 'news')).rejects.toMatchObject({ code: 'forbidden' });
    await bound.channels.publish('news', 2);
    expect(await ear.values(1)).toEqual([2]);
  });

  test('presence tells who listens, until they leave', async () => {
    const [ada, bob] = [await node.agent('ada'), await node.agent('bob')];
    const ears = [await Ear.open(ada, 'a:*'), await Ear.open(ada, 'a:b'), await Ear.open(bob, '*')];
    const present = (pattern: string) => ada.channels.present(pattern);
    const [adas, bobs] = [
      { node: null, agent: 'ada', listeners: 2 },
      { node: null, agent: 'bob', listeners: 1 },
    ];
    expect(await present('a:b')).toEqual({ present: [adas, bobs], reach: 'node' });
    expect((await present('c')).present).toEqual([bobs]);
    for (const ear of ears) await ear.close();
    await eventually(async () => expect((await present('*')).present).toEqual([]), PATIENCE);
    expect(await ada.channels.publish('a:b', 1)).toMatchObject({ listeners: 0 });
  });

  test.each(['', 'a b', ':a', 'a*', 'é', 'x'.repeat(129)])('no channel is called "%s"', async (channel) => {
    const ada = await node.agent('ada');
    await expect(ada.channels.publish(channel, 1)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  test.each(['a b', '*********', 'é', `${'x'.repeat(128)}*`])('no pattern is "%s"', async (pattern) => {
    const ada = await node.agent('ada');
    const listening = ada.channels.listen(pattern)[Symbol.asyncIterator]();
    await expect(listening.next()).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(ada.channels.present(pattern)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  test('a message that is too large is refused', async () => {
    const ada = await node.agent('ada');
    const value = 'x'.repeat(limits.messageBytes);
    await expect(ada.channels.publish('news', value)).rejects.toMatchObject({ code: 'body-too-large' });
  });

  test('stopping the daemon ends the listening, and starting it again goes on with it', async () => {
    const ada = await node.agent('ada');
    await using ear = await Ear.open(ada, 'news');
    await ada.channels.publish('news', 'before');
    await ear.values(1);
    await node.restart();
    await eventually(async () => expect((await ada.channels.present('news')).present).toHaveLength(1), PATIENCE);
    await ada.channels.publish('news', 'after');
    expect(await ear.values(2)).toEqual(['before', 'after']);
  });
});
