import { makeRecordId, relayRoutes } from '@holdfast/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { BOOT } from '../conformance/material.ts';
import { answerOf, codeOf, type Reply, type TestNode, TestRelay } from './relay-fixture.ts';
import { ReadStream } from './read-stream.ts';

const OTHER_BOOT = '1'.repeat(32);

let relay: TestRelay;
let here: TestNode;
let there: TestNode;
beforeEach(async () => {
  relay = await new TestRelay({ 'stop.seconds': 600 }).start();
  here = await relay.node('here');
  there = await relay.node('there');
});
afterEach(() => relay[Symbol.asyncDispose]());

const interest = (pattern: string, more: object = {}): object => ({
  resource: '',
  pattern,
  agent: 'bob',
  listeners: 1,
  ...more,
});
const message = (channel: string, value: unknown, more: object = {}): object => ({
  id: makeRecordId(),
  resource: '',
  channel,
  agent: 'ada',
  text: JSON.stringify(value),
  ...more,
});

function post(path: string, body: object, { credential }: TestNode): Promise<Reply> {
  return relay.call('POST', `/relay/channels/${path}`, { token: credential, body: { boot: BOOT, ...body } });
}

const publish = (messages: readonly object[], from = here): Promise<Reply> => post('publish', { messages }, from);

/** The stream of a node. */
class Stream extends ReadStream {
  static async open(interests: readonly object[], node = there, boot = BOOT): Promise<Stream> {
    const options = { token: node.credential, body: { boot, interests } };
    const stream = new Stream(await relay.open('POST', '/relay/channels/listen', options));
    await stream.until('"listening"');
    return stream;
  }

  get id(): string {
    return String(this.events[0]?.data['listening']);
  }

  /** What was published, as far as it came. */
  get texts(): readonly unknown[] {
    return this.events.slice(1).map(({ data }) => JSON.parse(String(data['text'])) as unknown);
  }
}

describe('the stream of a node', () => {
  test('brings what other nodes publish and it listens to, with who published, and never its own', async () => {
    const stream = await Stream.open([interest('news:*'), interest('*:a'), interest('x', { resource: 'app:one' })]);
    const sent = message('news:a', { text: 'é\n' });
    expect(answerOf(relayRoutes['channel.publish'], await publish([sent, message('x', 'unheard')])).taken).toBe(2);
    await publish([message('news:b', 'own')], there);
    await publish([message('x', 'one', { resource: 'app:one' }), message('x:a', 'last')]);
    await stream.until('last');
    expect(stream.events[1]?.data).toEqual({ ...sent, node: 'here' });
    expect(stream.texts).toEqual([{ text: 'é\n' }, 'one', 'last']);
    stream.close();
  });

  test('changes to what it listens, and misses nothing of what stays', async () => {
    const stream = await Stream.open([interest('a'), interest('b')]);
    await publish([message('a', 1)]);
    const changes = [interest('b', { listeners: 0 }), interest('c')];
    const update = await post('interests', { listening: stream.id, changes }, there);
    expect(answerOf(relayRoutes['channel.interests'], update).known).toBe(true);
    await publish([message('a', 2), message('b', 3), message('c', 4)]);
    await stream.until('"4"');
    expect(stream.texts).toEqual([1, 2, 4]);
    const unknown = await post('interests', { listening: '0'.repeat(32), changes }, there);
    expect(answerOf(relayRoutes['channel.interests'], unknown).known).toBe(false);
    stream.close();
  });

  test('is one: another takes its place', async () => {
    const first = await Stream.open([interest('a')]);
    const second = await Stream.open([interest('a')]);
    expect(await first.ended()).not.toContain('event: end');
    await publish([message('a', 1)]);
    await second.until('"1"');
    second.close();
  });

  test('ends with the reason when another start speaks for the node', async () => {
    const first = await Stream.open([interest('a')]);
    const body = { boot: OTHER_BOOT, predecessors: [BOOT] };
    await relay.call('POST', '/relay/session', { token: there.credential, body });
    const refused = await post('listen', { interests: [] }, there);
    expect(codeOf(refused)).toBe('node-cloned');
    for (const [path, more] of [
      ['publish', { messages: [message('a', 1)] }],
      ['interests', { listening: first.id, changes: [] }],
      ['presence', { resource: '', pattern: '*' }],
    ] as const) {
      expect(codeOf(await post(path, more, there))).toBe('node-cloned');
    }
    const second = await Stream.open([interest('a')], there, OTHER_BOOT);
    expect(await first.ended()).toMatch(/event: end\ndata: .*"code":"node-cloned"/);
    second.close();
  });

  test('ends when the relay stops, which does not wait for it', async () => {
    const stream = await Stream.open([interest('a')]);
    await relay.running.stop();
    expect(await stream.ended()).toMatch(/event: end\ndata: .*"code":"shutting-down"/);
  });
});

describe('what nodes say', () => {
  test('presence is of the other nodes, and of one resource', async () => {
    const stream = await Stream.open([interest('a', { listeners: 3 }), interest('a', { resource: 'app:one' })]);
    const asked = { resource: '', pattern: 'a' };
    const present = [{ node: 'there', agent: 'bob', listeners: 3 }];
    expect(answerOf(relayRoutes['channel.presence'], await post('presence', asked, here)).present).toEqual(present);
    expect(answerOf(relayRoutes['channel.presence'], await post('presence', asked, there)).present).toEqual([]);
    stream.close();
  });

  test.each([
    ['what is no JSON', { text: '{' }],
    ['too large a message', { text: JSON.stringify('x'.repeat(70_000)) }],
    ['a pattern for a channel', { channel: 'a*' }],
    ['an id that is none', { id: '1\n2' }],
  ])('%s is refused', async (_what, more) => {
    expect(codeOf(await publish([message('a', 1, more)]))).toBe('invalid-request');
  });

  test.each(['listen', 'interests', 'publish', 'presence'])('%s is for nodes alone', async (path) => {
    const reply = await relay.call('POST', `/relay/channels/${path}`, { token: relay.adminToken, body: {} });
    expect(codeOf(reply)).toBe('forbidden');
  });
});
