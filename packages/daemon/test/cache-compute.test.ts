import { connect } from 'node:net';

import { eventually } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { CacheDesk } from './support/cache-desk.ts';
import type { TestReply } from './support/test-daemon.ts';

/** Waits until so many requests are under way, the one that asks included. */
async function underWay(desk: CacheDesk, count: number): Promise<void> {
  const asked = async (): Promise<void> => {
    expect(await desk.metric('holdfast_http_requests_under_way')).toBe(count + 1);
  };
  await eventually(asked, { limitMs: 20_000 });
}

test('of 100 who miss a value at once one computes, and all others get what it put', async () => {
  await using desk = await CacheDesk.open();
  const asked = Array.from({ length: 100 }, () => desk.get('k?compute=60&class=query'));
  const first = await Promise.race(asked);
  expect([first.status, first.json.code]).toEqual([404, 'cache-miss']);
  await underWay(desk, 99);
  expect((await desk.put(`k?class=query&ticket=${first.json.ticket as string}`, { n: 1 })).status).toBe(204);
  const replies = await Promise.all(asked);
  expect(replies.filter(({ status }) => status === 404)).toHaveLength(1);
  expect(replies.filter(({ status, text }) => status === 200 && text === '{"n":1}')).toHaveLength(99);
  const { json } = await desk.call('GET /v1/cache');
  expect(json.classes.query).toMatchObject({ shared: 99, misses: 1 });
});

test('who does not say that it computes waits for nobody', async () => {
  await using desk = await CacheDesk.open();
  await desk.ticket('k');
  const { status, json } = await desk.get('k');
  expect([status, json.ticket]).toEqual([404, undefined]);
});

test('a value put without a ticket is for those who wait as well, and ends the ticket', async () => {
  await using desk = await CacheDesk.open();
  const ticket = await desk.ticket('k');
  const waiting = desk.get('k?compute=60');
  await underWay(desk, 1);
  await desk.put('k', 'other');
  expect((await waiting).json).toBe('other');
  const late = await desk.put(`k?ticket=${ticket}`, 'late');
  expect([late.status, late.json.code]).toEqual([409, 'ticket-ended']);
  expect(await desk.value('k')).toBe('other');
});

test('when a ticket is given back, the next who waits computes', async () => {
  await using desk = await CacheDesk.open();
  const ticket = await desk.ticket('k');
  const waiting = [desk.get('k?compute=60'), desk.get('k?compute=60')];
  await underWay(desk, 2);
  expect((await desk.call(`DELETE /v1/cache/k?ticket=${ticket}`)).status).toBe(204);
  const next = await Promise.race(waiting);
  expect([next.status, typeof next.json.ticket]).toEqual([404, 'string']);
  expect(next.json.ticket).not.toBe(ticket);
  await desk.call(`DELETE /v1/cache/k?ticket=${ticket}`);
  await desk.put(`k?ticket=${next.json.ticket as string}`, 1);
  const replies = await Promise.all(waiting);
  expect(replies.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([200, 404]);
});

test('when the time of who computes is over, the next who waits computes', async () => {
  await using desk = await CacheDesk.open();
  const ticket = await desk.ticket('k', 1);
  const next = await desk.get('k?compute=60');
  expect([next.status, typeof next.json.ticket]).toEqual([404, 'string']);
  expect((await desk.put(`k?ticket=${ticket}`, 'late')).json.code).toBe('ticket-ended');
  expect((await desk.put(`k?ticket=${next.json.ticket as string}`, 'right')).status).toBe(204);
});

test('who has waited as long as it would compute is told to compute for itself', async () => {
  await using desk = await CacheDesk.open();
  const ticket = await desk.ticket('k', 60);
  const { status, json } = await desk.get('k?compute=1');
  expect([status, json.code, json.ticket]).toEqual([404, 'cache-miss', undefined]);
  expect((await desk.put(`k?ticket=${ticket}`, 1)).status).toBe(204);
});

test('who goes away is not waited with, nor made to compute', async () => {
  await using desk = await CacheDesk.open();
  const ticket = await desk.ticket('k');
  const { hostname, port, host } = new URL(desk.daemon.url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET /v1/cache/k?compute=60 HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${desk.token}\r\n\r\n`);
  await underWay(desk, 1);
  socket.destroy();
  await underWay(desk, 0);
  const waiting = desk.get('k?compute=60');
  await underWay(desk, 1);
  await desk.call(`DELETE /v1/cache/k?ticket=${ticket}`);
  expect(typeof (await waiting).json.ticket).toBe('string');
});

const invalidations: readonly (readonly [string, (desk: CacheDesk) => Promise<TestReply>])[] = [
  ['a write to a collection it depends on', (desk) => desk.call('PUT /v1/records/notes/a', {})],
  ['its tag', (desk) => desk.invalidate({ tag: 't' })],
  ['its prefix', (desk) => desk.invalidate({ prefix: 'k' })],
  ['its collection', (desk) => desk.invalidate({ collection: 'notes' })],
  ['its deletion', (desk) => desk.call('DELETE /v1/cache/k')],
];

test.each(invalidations)(
  'what was computed before %s is not kept, and the next computes anew',
  async (_what, invalidate) => {
    await using desk = await CacheDesk.open();
    const ticket = await desk.ticket('k');
    const waiting = desk.get('k?compute=60');
    await underWay(desk, 1);
    await invalidate(desk);
    const put = (of: string, value: string): Promise<TestReply> =>
      desk.put(`k?tags=t&collections=notes&ticket=${of}`, value);
    const stale = await put(ticket, 'old');
    expect([stale.status, stale.json.code]).toEqual([409, 'ticket-ended']);
    const next = (await waiting).json.ticket as string;
    expect(await desk.value('k')).toBeUndefined();
    expect((await put(next, 'new')).status).toBe(204);
    expect(await desk.value('k')).toBe('new');
  },
);

test('a daemon that stops tells those who wait to compute for themselves, at once', async () => {
  await using desk = await CacheDesk.open({ config: { 'stop.seconds': 300 } });
  await desk.ticket('k', 300);
  const headers = { authorization: `Bearer ${desk.token}` };
  const waiting = fetch(`${desk.daemon.url}/v1/cache/k?compute=300`, { headers });
  await underWay(desk, 1);
  const stopped = desk.daemon.stop();
  const answer = await waiting;
  const problem = (await answer.json()) as { readonly code: string; readonly ticket?: string };
  expect([answer.status, problem.code, problem.ticket]).toEqual([404, 'cache-miss', undefined]);
  await stopped;
});
