import { limits } from '@holdfast/protocol';
import { FakeClock } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { DurableChannels } from '../src/service/durable-channels.ts';
import { firstEvents } from './support/first-events.ts';
import { type AnyJson, TestDaemon, type TestReply } from './support/test-daemon.ts';

const JSON_BODY = { 'content-type': 'application/json' };

let daemon: TestDaemon;
let clock: FakeClock;
let ada: string;
let ben: string;

beforeEach(async () => {
  clock = new FakeClock();
  daemon = await TestDaemon.start({ now: clock.now });
  [ada, ben] = [await daemon.agent('ada'), await daemon.agent('ben')];
});
afterEach(() => daemon[Symbol.asyncDispose]());

const publish = (
  channel: string,
  body: unknown,
  { query = '', ...options }: { query?: string; token?: string; headers?: Record<string, string> } = {},
): Promise<TestReply> =>
  daemon.call(`POST /v1/channels/${channel}?durable=true${query}`, {
    token: ada,
    body: JSON.stringify(body),
    ...options,
    headers: { ...JSON_BODY, ...options.headers },
  });

const heard = (pattern: string, count: number, headers: Record<string, string> = {}, query = ''): Promise<AnyJson[]> =>
  firstEvents(daemon, `/v1/channels/${pattern}?durable=true${query}`, count, {
    authorization: `Bearer ${ben}`,
    ...headers,
  });

const values = (messages: readonly AnyJson[]): unknown[] => messages.map(({ value }) => value as unknown);

describe('a durable message', () => {
  test('is heard by who listens later, as it was published, with who published it', async () => {
    const sent = await publish('agent:updates:ada', { step: 1, text: 'é\n"', big: 1e300 });
    expect(sent).toMatchObject({ status: 200, json: { id: expect.any(String), listeners: 0, reach: 'node' } });
    const [message] = await heard('agent:*:ada', 1);
    expect(message).toEqual({
      id: sent.json.id,
      channel: 'agent:updates:ada',
      from: { node: null, agent: 'ada' },
      value: { step: 1, text: 'é\n"', big: 1e300 },
      place: expect.any(String),
    });
  });

  test.each([null, false, 0, '', [], {}, 'x'.repeat(60_000)])('is any JSON', async (value) => {
    await publish('any', value);
    expect(values(await heard('any', 1))).toEqual([value]);
  });

  test('is published once under one key, and the same key of another agent is another', async () => {
    const headers = { 'idempotency-key': 'k-1' };
    const first = await publish('once', 1, { headers });
    const again = await publish('once', 1, { headers });
    expect(again.json).toEqual({ id: first.json.id, listeners: 0, reach: 'node' });
    const other = await publish('once', 1, { headers, token: ben });
    expect(other.json.id).not.toBe(first.json.id);
    const misused = await publish('once', 2, { headers });
    expect(misused.json).toMatchObject({ code: 'idempotency-mismatch' });
    await publish('once', 'end');
    expect(values(await heard('once', 3))).toEqual([1, 1, 'end']);
  });

  test('expires, after a day unless its publisher says otherwise', async () => {
    await publish('news', 'short', { query: '&ttl=60' });
    await publish('news', 'a day');
    await publish('news', 'long', { query: `&ttl=${limits.longestDurableMessageSeconds}` });
    expect(values(await heard('news', 3))).toEqual(['short', 'a day', 'long']);
    clock.advance(60_000);
    expect(values(await heard('news', 2))).toEqual(['a day', 'long']);
    clock.advance(limits.durableMessageSeconds * 1000);
    expect(values(await heard('news', 1))).toEqual(['long']);
  });

  test.each(['&ttl=0', '&ttl=2592001', '&ttl=x'])('is not kept for %s', async (query) => {
    const refused = await publish('news', 1, { query });
    expect(refused).toMatchObject({ status: 422, json: { code: 'invalid-request', issues: [{ path: 'query.ttl' }] } });
  });

  test('is as large as any message', async () => {
    const refused = await publish('news', 'x'.repeat(limits.messageBytes));
    expect(refused.json).toMatchObject({ code: 'body-too-large' });
  });

  test('is told to those who listen now, once', async () => {
    const listening = firstEvents(daemon, '/v1/channels/news', 2, { authorization: `Bearer ${ben}` });
    const present = async (): Promise<number> =>
      (await daemon.call('GET /v1/presence/news', { token: ada })).json.present.length as number;
    while ((await present()) === 0);
    const sent = await publish('news', 'kept');
    expect(sent.json.listeners).toBe(1);
    await daemon.call('POST /v1/channels/news', { token: ada, body: { is: 'live' } });
    const messages = await listening;
    expect(values(messages)).toEqual(['kept', { is: 'live' }]);
    expect(messages[0]).toMatchObject({ id: sent.json.id, channel: 'news', from: { agent: 'ada' } });
  });

  test('cannot be published as somebody else, nor changed or deleted', async () => {
    const { json } = await publish('news', 1);
    const id = encodeURIComponent(`news/${String(json.id)}`);
    const forged = { channel: 'news', from: { node: null, agent: 'ben' }, value: 2 };
    for (const call of [`PUT /v1/records/channel_messages/${id}`, 'POST /v1/records/channel_messages'])
      expect((await daemon.call(call, { token: ben, body: forged })).json).toMatchObject({
        code: 'collection-guarded',
      });
    for (const call of ['PATCH', 'DELETE']) {
      const body = call === 'PATCH' ? { body: { value: 2 } } : {};
      const answer = await daemon.call(`${call} /v1/records/channel_messages/${id}`, { token: ben, ...body });
      expect(answer.json).toMatchObject({ code: 'collection-guarded' });
    }
    await publish('news', 'end');
    expect(await heard('news', 2)).toMatchObject([{ from: { agent: 'ada' }, value: 1 }, { value: 'end' }]);
  });
});

describe('a durable listener', () => {
  test('goes on behind any message it heard, with nothing twice and nothing left out', async () => {
    for (let n = 0; n < 5; n += 1) await publish('steps', n);
    const all = await heard('steps', 5);
    expect(values(all)).toEqual([0, 1, 2, 3, 4]);
    await publish('steps', 5);
    for (const [n, { place }] of all.entries()) {
      const rest = await heard('steps', 5 - n, { 'last-event-id': place as string });
      expect(values(rest)).toEqual([0, 1, 2, 3, 4, 5].slice(n + 1));
    }
  });

  test('hears what its pattern covers, and nothing else', async () => {
    for (const channel of ['a:b:c', 'a:b', 'a:bc', 'a:x:c', 'b:b:c', 'a:b:c:c']) await publish(channel, channel);
    expect(values(await heard('a:b', 1))).toEqual(['a:b']);
    expect(values(await heard('a:*:c', 3))).toEqual(['a:b:c', 'a:x:c', 'a:b:c:c']);
    expect(values(await heard('*c', 5))).toEqual(['a:b:c', 'a:bc', 'a:x:c', 'b:b:c', 'a:b:c:c']);
    expect(await heard('*', 6)).toHaveLength(6);
  });

  test('hears from now on where that is asked for, and nothing that was published live', async () => {
    await publish('news', 'before');
    const listening = heard('news', 2, {}, '&from=now');
    // It is not known from outside when it began: one of these is its first.
    let n = 0;
    const ended = listening.then(() => true);
    while (!(await Promise.race([ended, publish('news', n).then(() => false)]))) {
      n += 1;
      await daemon.call('POST /v1/channels/news', { token: ada, body: { is: 'live' } });
    }
    const [first, second] = values(await listening) as [number, number];
    expect(second).toBe(first + 1);
  });

  test('that begins with now goes on from there, also if it is cut before it heard anything', async () => {
    await publish('news', 'before');
    const answer = await fetch(`${daemon.url}/v1/channels/news?durable=true&from=now`, {
      headers: { authorization: `Bearer ${ben}` },
    });
    let text = '';
    for await (const piece of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += piece;
      if (/^id: .+\n\n/m.test(text)) break;
    }
    const [, place = ''] = /^id: (.+)\n\n/m.exec(text)!;
    await publish('news', 'meanwhile');
    expect(values(await heard('news', 1, { 'last-event-id': place }, '&from=now'))).toEqual(['meanwhile']);
  });

  test('begins at the beginning where its place is of no file there is', async () => {
    await publish('news', 1);
    const [{ place }] = (await heard('news', 1)) as [AnyJson];
    const [, written, taken] = String(place).split('.');
    for (const unknown of ['x', `${'0'.repeat(32)}.${written}.${taken}`, `${String(place)}9`])
      expect(values(await heard('news', 1, { 'last-event-id': unknown }))).toEqual([1]);
  });

  test('hears nothing of another resource', async () => {
    const [one, two] = [await daemon.boundToken('ada', 'app:one'), await daemon.boundToken('ben', 'app:two')];
    await publish('news', 'one', { token: one });
    await publish('news', 'two', { token: two });
    await publish('news', 'none');
    expect(values(await heard('*', 1))).toEqual(['none']);
    expect(values(await heard('*', 1, { authorization: `Bearer ${one}` }))).toEqual(['one']);
    expect(values(await heard('*', 1, { authorization: `Bearer ${two}` }))).toEqual(['two']);
    const query = await daemon.call('POST /v1/records/channel_messages/query', { token: one, body: {} });
    expect(query.json.records).toMatchObject([{ doc: { value: 'one' } }]);
  });
});

describe('what only durable messages keep', () => {
  test.each([
    ['POST /v1/channels/news?ttl=60', {}],
    ['POST /v1/channels/news', { 'idempotency-key': 'k' }],
    ['GET /v1/channels/news?from=beginning', {}],
    ['GET /v1/channels/news?durable=false&from=now', {}],
  ])('is refused of others: %s', async (call, headers) => {
    const options = call.startsWith('POST') ? { body: 1 } : {};
    const refused = await daemon.call(call, { token: ada, headers, ...options });
    expect(refused).toMatchObject({ status: 422, json: { code: 'invalid-request' } });
  });
});

test('a node that keeps as many as it may takes no further one, and says when to try again', async () => {
  const refuse = (): never => {
    throw new Error('nothing is to be written');
  };
  const channels = new DurableChannels({
    channels: { publisher: refuse, tell: refuse, reach: 'node' },
    records: { write: refuse },
    watches: { changes: refuse },
    kept: () => limits.durableMessages,
    now: clock.now,
  });
  const published = channels.publish({ agent: 'ada', resource: '' }, 'news', { value: 1, text: '1' }, {});
  await expect(published).rejects.toMatchObject({ code: 'too-many-requests', retryAfterSeconds: 60 });
});
