import { limits, relayRoutes, SHARED_AGENT } from '@holdfast/protocol';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { cursorAt, makeChange, START_MS } from '../conformance/material.ts';
import { type ReadEvent, ReadStream } from './read-stream.ts';
import { answerOf, changeLines, codeOf, type TestNode, TestRelay } from './relay-fixture.ts';

const accept = 'text/event-stream';

async function follow(relay: TestRelay, token: string, query = '', lastId?: string): Promise<ReadStream> {
  const headers = { accept, 'last-event-id': lastId };
  return new ReadStream(await relay.open('GET', `/relay/feed${query}`, { token, headers }));
}

async function write(node: TestNode, lines: readonly string[], base = 0, more: object = {}): Promise<void> {
  const reply = await node.batch({ header: { base: cursorAt(base), ...more }, lines });
  expect(reply.status).toBe(200);
}

const idsOf = (events: readonly ReadEvent[]): unknown[] => events.map(({ event, data }) => event ?? data['id']);

afterEach(() => {
  vi.useRealTimers();
});

describe('the feed as events', () => {
  test('is what there is, then what comes, each time up to where there is nothing more', async () => {
    await using relay = await new TestRelay().start();
    const node = await relay.node();
    await write(node, changeLines(2));
    const token = await relay.token('operator');
    using stream = await follow(relay, token);
    await stream.eventsUntil(1, 'caught-up');
    await write(node, [...changeLines(1, 3), makeChange({ seq: 4, id: 'r1' }).line], 2);
    const events = await stream.eventsUntil(2, 'caught-up');
    expect(idsOf(events)).toEqual(['r1', 'r2', 'caught-up', 'r3', 'r1', 'caught-up']);
    const { text } = await relay.call('GET', '/relay/feed', { token, headers: { accept: 'application/x-ndjson' } });
    const lines = text.split('\n').slice(0, 3);
    expect(events.flatMap(({ data }, index) => ([1, 3, 4].includes(index) ? [JSON.stringify(data)] : []))).toEqual(
      lines,
    );
    const last = events.at(-1);
    expect(last?.data).toEqual({ cursor: last?.id });
  });

  test('goes on after each id, with nothing twice and nothing left out, by the header before the query', async () => {
    await using relay = await new TestRelay().start();
    const node = await relay.node();
    await write(node, changeLines(5));
    using whole = await follow(relay, node.credential);
    const events = await whole.eventsUntil(1, 'caught-up');
    expect(idsOf(events)).toEqual(['r1', 'r2', 'r3', 'r4', 'r5', 'caught-up']);
    for (const [index, { id }] of events.entries()) {
      using rest = await follow(relay, node.credential, `?after=${events.at(-1)?.id}`, id);
      expect(idsOf(await rest.eventsUntil(1, 'caught-up'))).toEqual(
        idsOf([...events.slice(index + 1, 5), ...events.slice(5)]),
      );
      using same = await follow(relay, node.credential, `?after=${id}`);
      expect(await same.eventsUntil(1, 'caught-up')).toEqual(await rest.eventsUntil(1, 'caught-up'));
    }
  });

  test('is narrowed as pages are, and to what a node may read', async () => {
    await using relay = await new TestRelay().start();
    const [here, there] = [await relay.node('here'), await relay.node('there')];
    using stream = await follow(relay, there.credential);
    using notes = await follow(relay, relay.adminToken, '?collections=notes&nodes=here');
    await write(here, [
      makeChange({ seq: 1, doc: {} }).line,
      makeChange({ seq: 2, collection: 'tasks', doc: {} }).line,
    ]);
    await write(here, [makeChange({ seq: 1, id: 'of-all', doc: {} }).line], 0, { agent: SHARED_AGENT });
    await stream.until('of-all');
    expect(idsOf(await stream.eventsUntil(2, 'caught-up'))).toEqual(['caught-up', 'of-all', 'caught-up']);
    await notes.until('of-all');
    expect(idsOf(notes.events).filter((id) => id !== 'caught-up')).toEqual(['r1', 'of-all']);
  });

  test('moves its cursor past what is out of scope', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await using relay = await new TestRelay().start();
    const node = await relay.node();
    using stream = await follow(relay, relay.adminToken, '?collections=tasks');
    const [begun] = await stream.eventsUntil(1);
    await write(node, changeLines(1));
    vi.advanceTimersByTime(limits.feedWaitSeconds * 1000);
    const [, moved] = await stream.eventsUntil(2);
    expect(moved).toMatchObject({ event: 'caught-up' });
    const page = await relay.call('GET', `/relay/feed?after=${begun?.id}`, { token: relay.adminToken });
    expect(moved?.id).toBe(answerOf(relayRoutes.feed, page).cursor);
  });

  test('is refused before it begins: a cursor of another life, what is no cursor, what is for pages, and viewers', async () => {
    await using relay = await new TestRelay().start();
    const token = relay.adminToken;
    const refused = async (query: string, lastId?: string, by = token): Promise<unknown> =>
      codeOf(
        await relay.call('GET', `/relay/feed${query}`, { token: by, headers: { accept, 'last-event-id': lastId } }),
      );
    const cursor = `${'0'.repeat(32)}.1`;
    expect(await refused(`?after=${cursor}`)).toBe('feed-refetch');
    expect(await refused('', cursor)).toBe('feed-refetch');
    expect(await refused('', 'r1')).toBe('invalid-request');
    for (const query of ['?limit=5', '?wait_seconds=5', `?incarnation=${'c'.repeat(32)}`, '?after=1']) {
      expect([query, await refused(query)]).toEqual([query, 'invalid-request']);
    }
    expect(await refused('', undefined, await relay.token('viewer'))).toBe('forbidden');
  });

  test('is for who asks for events before other forms', async () => {
    await using relay = await new TestRelay().start();
    const typeFor = async (accepted: string): Promise<unknown> => {
      const answer = await relay.open('GET', '/relay/feed', { token: relay.adminToken, headers: { accept: accepted } });
      answer.destroy();
      return answer.headers['content-type'];
    };
    expect(await typeFor('text/event-stream, application/json;q=0.5')).toBe('text/event-stream');
    expect(await typeFor('application/json, text/event-stream')).toBe('application/json');
    expect(await typeFor('*/*')).toBe('application/json');
    const { json } = await relay.call('GET', '/openapi.json');
    const place = ['paths', '/relay/feed', 'get', 'responses', '200', 'content'];
    for (const type of ['application/json', 'application/x-ndjson', 'text/event-stream'])
      expect(json).toHaveProperty([...place, type]);
  });

  test('is one of the event streams that are bounded', async () => {
    await using relay = await new TestRelay({ 'limits.eventStreams': 1 }).start();
    using stream = await follow(relay, relay.adminToken);
    await stream.eventsUntil(1);
    const reply = await relay.call('GET', '/relay/feed', { token: relay.adminToken, headers: { accept } });
    expect(codeOf(reply)).toBe('too-many-listeners');
  });

  test('ends when the credential it was opened with does', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await using relay = await new TestRelay().start();
    const node = await relay.node('htpc');
    using stream = await follow(relay, node.credential);
    await stream.eventsUntil(1);
    const token = await relay.invite('htpc', { replaces: true });
    await relay.call('POST', '/relay/join', { token, body: { node: 'htpc' } });
    vi.advanceTimersByTime(limits.eventHeartbeatSeconds * 1000);
    expect(await stream.ended()).toMatch(/event: end\ndata: .*"code":"unauthenticated"/);
  });

  test('ends when the relay stops, which does not wait for it', async () => {
    await using relay = await new TestRelay({ 'stop.seconds': 600 }).start();
    using stream = await follow(relay, relay.adminToken);
    await stream.eventsUntil(1);
    await relay.running.stop();
    expect(await stream.ended()).toMatch(/event: end\ndata: .*"code":"shutting-down"/);
  });
});

describe('who follows the feed and takes nothing for a while', () => {
  const RECORDS = 24;
  /** More than what lies on the way and one page together. */
  const LARGE = 'x'.repeat(900_000);

  /** Records with the seqs from 2 on. */
  async function writeLarge(node: TestNode): Promise<void> {
    for (let base = 1; base <= RECORDS; base += 4) {
      const lines = [1, 2, 3, 4].map((more) => makeChange({ seq: base + more, doc: { text: LARGE } }).line);
      await write(node, lines, base);
    }
  }

  test('gets each record as it is when it goes on, and not all that it was', async () => {
    await using relay = await new TestRelay().start();
    const node = await relay.node();
    await write(node, changeLines(1));
    using stream = await follow(relay, relay.adminToken);
    await stream.eventsUntil(1, 'caught-up');
    stream.pause();
    await writeLarge(node);
    const small = Array.from({ length: RECORDS }, (_, index) =>
      makeChange({ seq: RECORDS + 2 + index, id: `r${index + 2}`, doc: { n: index } }),
    );
    await write(
      node,
      small.map(({ line }) => line),
      RECORDS + 1,
    );
    stream.resume();
    await stream.until(`{"n":${RECORDS - 1}}`);
    const records = stream.events.filter(({ event }) => event === undefined);
    expect(records.slice(-RECORDS).map(({ data }) => data['hash'])).toEqual(small.map(({ row }) => row.hash));
    expect(records.length).toBeLessThan(2 * RECORDS);
  });

  test('is told to start over, as the last event, if a record was removed that it may know', async () => {
    await using relay = await new TestRelay({ 'expiry.seconds': 1 }).start();
    const node = await relay.node();
    await write(node, changeLines(1));
    using stream = await follow(relay, relay.adminToken);
    const [begun] = await stream.eventsUntil(1, 'caught-up');
    stream.pause();
    await writeLarge(node);
    const expired = makeChange({ seq: RECORDS + 2, doc: {}, expiresAtMs: START_MS - 7_200_000 });
    await write(node, [expired.line], RECORDS + 1);
    const isRemoved = async (): Promise<boolean> =>
      codeOf(await relay.call('GET', `/relay/feed?after=${begun?.id}&limit=1`, { token: relay.adminToken })) ===
      'feed-refetch';
    await expect.poll(isRemoved, { timeout: 20_000 }).toBe(true);
    stream.resume();
    expect(await stream.ended()).toMatch(/event: end\ndata: .*"code":"feed-refetch"/);
  });
});
