import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { recordId, type Route } from '@holdfast/protocol';
import { describe, expect, test, vi } from 'vitest';

import { eventCallerOf, type ReceivedEvent } from '../src/event-caller.ts';
import { EventParser } from '../src/event-parser.ts';
import type { ResumeOptions } from '../src/event-reader.ts';
import { Requester } from '../src/requester.ts';
import { type ConnectOptions, daemonPlace } from '../src/settings.ts';
import { lostAnswer, problem, rawServer, type ScriptedServer, scriptedServer, type Step } from './scripted-server.ts';

const routes = {
  watch: {
    method: 'GET',
    path: '/v1/things/{name}',
    summary: 'Watch a thing',
    roles: ['agent'],
    params: { name: recordId },
    status: 200,
    answer: { kind: 'events', schema: recordId },
    errors: [],
  },
} as const satisfies Record<string, Route>;

/** Opens an event stream and says so much. */
function stream(text: string, then: (response: ServerResponse) => void = () => {}): Step {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`retry: 1000\n\n${text}`, () => then(response));
  };
}

const cut = (response: ServerResponse): void => void response.destroy();
const finish = (response: ServerResponse): void => void response.end();
const event = (n: number): string => `id: e-${n}\ndata: "${n}"\n\n`;

/** A reader of the server's stream that does not really wait between attempts, and how long it was to. */
function listenTo(
  server: ScriptedServer,
  resume: ResumeOptions = {},
  options: ConnectOptions = {},
): {
  readonly events: AsyncGenerator<ReceivedEvent<string>, void>;
  readonly waitsMs: number[];
  readonly requester: Requester;
} {
  const waitsMs: number[] = [];
  const sleep = (ms: number): Promise<void> => {
    waitsMs.push(ms);
    return Promise.resolve();
  };
  const requester = new Requester(daemonPlace, { url: server.url, sleep, random: () => 0.5, ...options });
  const events = eventCallerOf<typeof routes>(requester, routes)('watch', { params: { name: 'a b' } }, resume);
  return { events, waitsMs, requester };
}

async function take(events: AsyncIterable<ReceivedEvent<string>>, count: number): Promise<readonly string[]> {
  const taken: string[] = [];
  for await (const { data } of events) if (taken.push(data) === count) break;
  return taken;
}

describe('reading an event stream', () => {
  test('asks for events, and gives each with its id and its data', async () => {
    await using server = await scriptedServer(stream(`${event(1)}:\n\nevent: note\ndata: "2"\ndata:\n\n`));
    const { events } = listenTo(server);
    expect((await events.next()).value).toEqual({ id: 'e-1', event: 'message', data: '1' });
    expect((await events.next()).value).toEqual({ id: 'e-1', event: 'note', data: '2' });
    await events.return();
    expect(server.seen).toMatchObject([{ url: '/v1/things/a%20b', headers: { accept: 'text/event-stream' } }]);
    expect(server.seen[0]!.headers['last-event-id']).toBeUndefined();
  });

  test('goes on after cuts and ends from the last id, waiting longer each time until something comes', async () => {
    await using server = await scriptedServer(
      stream(`${event(1)}${event(2)}data: "n`, cut),
      lostAnswer(),
      problem(503, 'shutting-down', { retryable: true }),
      stream('event: end\ndata: {"code":"listener-too-slow","title":"T","remedy":"R","retryable":true}\n\n', finish),
      stream(event(3), finish),
      stream(event(4)),
    );
    const { events, waitsMs } = listenTo(server, { after: 'e-0' }, { retries: 0 });
    expect(await take(events, 4)).toEqual(['1', '2', '3', '4']);
    const lastIds = server.seen.map(({ headers }) => headers['last-event-id']);
    expect(lastIds).toEqual(['e-0', 'e-2', 'e-2', 'e-2', 'e-2', 'e-3']);
    expect(waitsMs).toEqual([125, 250, 500, 1_000, 2_000]);
  });

  test('goes on from an id that came alone, which is no event', async () => {
    await using server = await scriptedServer(stream('id: e-0\n\nid: e-9', cut), stream(event(1)));
    const { events } = listenTo(server);
    expect(await take(events, 1)).toEqual(['1']);
    expect(server.seen.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'e-0']);
  });

  test('begins its waiting anew after a stream that lasted', async () => {
    const lasting = stream('', (response) => response.write(':\n\n', () => setImmediate(() => response.destroy())));
    await using server = await scriptedServer(lostAnswer(), lostAnswer(), lasting, stream(event(1)));
    const { events, waitsMs } = listenTo(server);
    expect(await take(events, 1)).toEqual(['1']);
    expect(waitsMs.slice(0, 2)).toEqual([125, 250]);
    expect(waitsMs.at(-1)).toBeLessThanOrEqual(500);
  });

  test('a refusal that will not pass is thrown, at first and later', async () => {
    await using server = await scriptedServer(stream(event(1), cut), problem(404, 'agent-not-found'));
    const { events } = listenTo(server);
    await events.next();
    await expect(events.next()).rejects.toMatchObject({ name: 'HoldfastProblem', code: 'agent-not-found' });
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(server.seen).toHaveLength(2);
  });

  test('a stream ended for good by its service is thrown as the problem it tells', async () => {
    const end = 'event: end\ndata: {"code":"forbidden","title":"T","remedy":"R","retryable":false}\n\n';
    await using server = await scriptedServer(stream(end, finish));
    await expect(listenTo(server).events.next()).rejects.toMatchObject({ code: 'forbidden', retryable: false });
  });

  test('a service that is not there is tried as often as for any call', async () => {
    await using server = await scriptedServer(lostAnswer());
    await expect(listenTo(server, {}, { retries: 2 }).events.next()).rejects.toMatchObject({
      name: 'HoldfastUnreachable',
    });
    expect(server.seen).toHaveLength(3);
  });

  test('what is no event stream is not taken for one', async () => {
    await using server = await scriptedServer((response) => response.end('<html>'));
    await expect(listenTo(server).events.next()).rejects.toMatchObject({ code: 'unexpected-answer' });
  });

  test('ends without an error when its signal aborts: while it waits for events, and before it begins', async () => {
    const opened = Promise.withResolvers<void>();
    await using server = await scriptedServer(stream('', () => opened.resolve()));
    const controller = new AbortController();
    const next = listenTo(server, { signal: controller.signal }).events.next();
    await opened.promise;
    controller.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    const { events } = listenTo(server, { signal: controller.signal });
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(server.seen).toHaveLength(1);
  });

  test('ends without an error when its signal aborts between two attempts', async () => {
    await using server = await scriptedServer(lostAnswer());
    const controller = new AbortController();
    const sleep = (_ms: number, signal: AbortSignal): Promise<void> => {
      controller.abort();
      return Promise.reject(signal.reason as Error);
    };
    const { events } = listenTo(server, { signal: controller.signal }, { sleep });
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test('fails when the client is closed', async () => {
    const opened = Promise.withResolvers<void>();
    await using server = await scriptedServer(stream('', () => opened.resolve()));
    const { events, requester } = listenTo(server);
    const next = events.next();
    await opened.promise;
    await requester.close();
    await expect(next).rejects.toMatchObject({ name: 'HoldfastUnreachable', message: 'the client was closed' });
  });

  test('a stream on which nothing comes, not even a sign that it lasts, is opened again', async () => {
    await using server = await scriptedServer(stream(''), stream(event(1)));
    const { events } = listenTo(server, {}, { timeoutMs: 50 });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const first = events.next();
      await vi.waitFor(() => expect(server.seen).toHaveLength(1), { timeout: 20_000 });
      vi.advanceTimersByTime(15_000);
      expect(server.seen).toHaveLength(1);
      vi.advanceTimersByTime(51);
      expect((await first).value).toMatchObject({ data: '1' });
    } finally {
      vi.useRealTimers();
      await events.return();
    }
  });

  test('events come over a unix socket as over TCP', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-events-'));
    const path = join(directory, 'events.sock');
    await using _server = await rawServer(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(event(1));
      },
      { path },
    );
    const requester = new Requester(daemonPlace, { socket: path });
    const events = eventCallerOf<typeof routes>(requester, routes)('watch', { params: { name: 'a' } });
    expect(await take(events, 1)).toEqual(['1']);
    await requester.close();
    await rm(directory, { recursive: true });
  });

  test('leaving the loop closes the connection', async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await scriptedServer(
      stream(event(1), (response) => void response.once('close', closed.resolve)),
    );
    expect(await take(listenTo(server).events, 1)).toEqual(['1']);
    await closed.promise;
  });
});

describe('the text of an event stream', () => {
  const text =
    'id: 1\r\ndata: a\r\ndata:b\r\n\r\n: comment\rdata\r\revent: x\nid: 2\nignored: y\n\nid\ndata: c\nid: n\0l\n\ndata: never ended';
  const events = [
    { id: '1', event: 'message', data: 'a\nb' },
    { id: '1', event: 'message', data: '' },
    { id: '', event: 'message', data: 'c' },
  ];

  test.each([1, 2, 3, 7, 1_000])('means the same in pieces of %i characters', (size) => {
    const parser = new EventParser();
    const found = [];
    for (let at = 0; at < text.length; at += size) found.push(...parser.take(text.slice(at, at + size)));
    expect(found).toEqual(events);
  });

  test('that never ends an event is given up', () => {
    const parser = new EventParser();
    const piece = 'x'.repeat(1024 * 1024);
    expect(() => {
      for (let pieces = 0; pieces < 20; pieces += 1) [...parser.take(piece)].map(String);
    }).toThrow('an event that has no end');
  });
});
