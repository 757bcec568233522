import { once } from 'node:events';

import { HoldfastError, limits } from '@holdfast/protocol';
import { afterEach, describe, expect, test, vi } from 'vitest';

import type { ServerEvent } from '../src/index.ts';
import { problemOf, start, type ServiceUnderTest, type Wire } from './service-under-test.ts';

const LASTING = { 'stop.seconds': 3600 };

afterEach(() => {
  vi.useRealTimers();
});

/** These events, and then nothing until the stream ends. */
async function* eventsThenNothing(events: readonly ServerEvent[], signal: AbortSignal): AsyncGenerator<ServerEvent> {
  yield* events;
  if (!signal.aborted) await once(signal, 'abort');
}

/** Events without end, each of 64 KiB, with the number of those that were asked for. */
async function* flood(counter: { asked: number }, signal: AbortSignal): AsyncGenerator<ServerEvent> {
  for (; !signal.aborted; counter.asked += 1) yield { data: 'x'.repeat(65_536) };
}

async function listen(under: ServiceUnderTest, ...headers: string[]): Promise<Wire> {
  const wire = await under.connect();
  wire.send(under.head('GET /events', ...headers));
  await wire.until(/retry: \d+\n\n/);
  return wire;
}

async function metric(under: ServiceUnderTest, line: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${under.tokens.admin}` };
  return (await under.ask('GET', '/metrics', { headers })).text.includes(line);
}

/** What the chunks of an answer hold. */
function bodyOf(received: string): string {
  const body = received.slice(received.indexOf('\r\n\r\n') + 4);
  return body.replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n/g, '').replaceAll('\r\n', '');
}

describe('an event stream', () => {
  test('has one data line for each line of its text, none without, and names what it is', async () => {
    const events: readonly ServerEvent[] = [
      { data: '{"a":1}' },
      { id: 'e-2', event: 'note', data: 'one\ntwo\r\nthree\rfour' },
      { id: 'e-3' },
      { id: '', data: '' },
    ];
    await using under = await start({ events: (_id, signal) => eventsThenNothing(events, signal) });
    using wire = await listen(under);
    const received = await wire.until(/data: \n\n/);
    expect(received).toMatch(/^HTTP\/1.1 200 /);
    expect(received).toContain('content-type: text/event-stream\r\n');
    expect(received).toContain('cache-control: no-store\r\n');
    expect(bodyOf(received)).toBe(
      'retry: 1000\n\ndata: {"a":1}\n\n' +
        'id: e-2\nevent: note\ndata: one\ndata: two\ndata: three\ndata: four\n\nid: e-3\n\nid: \ndata: \n\n',
    );
  });

  test('goes on from the last id its reader names', async () => {
    await using under = await start({ events: (id, signal) => eventsThenNothing([{ data: `after ${id}` }], signal) });
    using wire = await listen(under, 'last-event-id: e-7');
    expect(bodyOf(await wire.until(/data: .*\n\n/))).toContain('data: after e-7\n\n');
  });

  test('shows that it lasts while there is nothing to tell, each in its own second', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await using under = await start({ events: (_id, signal) => eventsThenNothing([], signal) });
    const wires = await Promise.all([listen(under), listen(under), listen(under)]);
    for (let second = 0; second < 2 * limits.eventHeartbeatSeconds; second += 1) vi.advanceTimersByTime(1_000);
    for (const wire of wires) {
      expect(bodyOf(await wire.until(/:\n\n\r\n$/))).toBe('retry: 1000\n\n:\n\n');
      wire.socket.destroy();
    }
  });

  test('is no request under way, but counted as what it is', async () => {
    await using under = await start({ events: (_id, signal) => eventsThenNothing([], signal) });
    using wire = await listen(under);
    await expect.poll(() => metric(under, 'holdfast_http_event_streams 1')).toBe(true);
    expect(await metric(under, 'holdfast_http_requests_under_way 1\n')).toBe(true);
    wire.socket.destroy();
    await expect.poll(() => metric(under, 'holdfast_http_event_streams_ended_total{reason="reader"} 1')).toBe(true);
    expect(await metric(under, 'holdfast_http_event_streams 0')).toBe(true);
  });

  test('has no events for HEAD', async () => {
    const counter = { asked: 0 };
    await using under = await start({ events: (_id, signal) => flood(counter, signal) });
    const reply = await under.ask('HEAD', '/events');
    expect(reply).toMatchObject({ status: 200, text: '', headers: { 'content-type': 'text/event-stream' } });
    expect(counter.asked).toBe(0);
  });
});

describe('an event stream ends', () => {
  test('with the service, which does not wait for it', async () => {
    const called = Promise.withResolvers<AbortSignal>();
    const events = (_id: string | undefined, signal: AbortSignal): AsyncIterable<ServerEvent> => {
      called.resolve(signal);
      return eventsThenNothing([{ data: '1' }], signal);
    };
    await using under = await start({ config: LASTING, events });
    using wire = await listen(under);
    await wire.until(/data: 1\n\n/);
    await under.service.stop();
    expect((await called.promise).aborted).toBe(true);
    const received = await wire.closed();
    expect(received).toMatch(/event: end\ndata: \{.*"code":"shutting-down".*\}\n\n/);
    expect(received.endsWith('\r\n0\r\n\r\n')).toBe(true);
  });

  test('when its reader goes away, and tells its source', async () => {
    const called = Promise.withResolvers<AbortSignal>();
    const events = (_id: string | undefined, signal: AbortSignal): AsyncIterable<ServerEvent> => {
      called.resolve(signal);
      return eventsThenNothing([], signal);
    };
    await using under = await start({ events });
    using wire = await listen(under);
    const signal = await called.promise;
    const aborted = once(signal, 'abort');
    wire.socket.destroy();
    await aborted;
    expect(signal.aborted).toBe(true);
  });

  test('soon after its token was taken back', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await using under = await start({ events: (_id, signal) => eventsThenNothing([], signal) });
    using wire = await listen(under);
    under.revoke('agent');
    for (let second = 0; second < limits.eventHeartbeatSeconds; second += 1) vi.advanceTimersByTime(1_000);
    const told = await wire.until(/event: end\ndata: .*\n\n/);
    expect(told).toContain('"code":"unauthenticated"');
  });

  test('with the error its source has, and hides one that is none of ours', async () => {
    const failures: Record<string, Error> = {
      slow: new HoldfastError('listener-too-slow', '256 events waited'),
      bug: new Error('the secret cause'),
    };
    const events = async function* (id = ''): AsyncGenerator<ServerEvent> {
      yield { data: 'first' };
      throw failures[id]!;
    };
    await using under = await start({ events });
    using slow = await listen(under, 'last-event-id: slow');
    const told = await slow.until(/event: end\n.*\n\n/);
    expect(told).toMatch(
      /data: first\n\nevent: end\ndata: \{.*"code":"listener-too-slow","detail":"256 events waited"/,
    );
    using bug = await listen(under, 'last-event-id: bug');
    const hidden = await bug.until(/event: end\n.*\n\n/);
    expect(hidden).toContain('"code":"internal"');
    expect(hidden).not.toContain('secret');
    expect(under.logged).toMatchObject([{ code: 'internal', err: { message: 'the secret cause' } }]);
  });

  test('for one reader too many before it begins, until another leaves', async () => {
    const config = { 'limits.eventStreams': 1 };
    await using under = await start({ config, events: (_id, signal) => eventsThenNothing([], signal) });
    using wire = await listen(under);
    const refused = await under.ask('GET', '/events');
    expect(problemOf(refused)).toMatchObject({ code: 'too-many-listeners', status: 503 });
    expect(refused.headers['retry-after']).toBe('1');
    wire.socket.destroy();
    await expect.poll(() => metric(under, 'holdfast_http_event_streams 0')).toBe(true);
    using next = await listen(under);
    expect(next.received).toContain('200');
  });
});

describe('a reader that takes nothing', () => {
  test('is cut off, has bounded what waits for it, and holds nobody else up', async () => {
    const config = { 'limits.requestSeconds': 1, ...LASTING };
    const counters: { asked: number }[] = [];
    const events = (_id: string | undefined, signal: AbortSignal): AsyncIterable<ServerEvent> => {
      const counter = { asked: 0 };
      counters.push(counter);
      return flood(counter, signal);
    };
    await using under = await start({ config, events });
    using lazy = await listen(under);
    lazy.socket.pause();
    using eager = await under.connect();
    let bytes = 0;
    eager.socket.removeAllListeners('data');
    eager.socket.on('data', (text: string) => (bytes += text.length));
    eager.send(under.head('GET /events'));
    await expect.poll(() => metric(under, 'ended_total{reason="reader"} 1'), { timeout: 15_000 }).toBe(true);
    const [waiting, taken] = counters;
    expect(waiting!.asked).toBeLessThan(1_000);
    const before = taken!.asked;
    await expect.poll(() => taken!.asked).toBeGreaterThan(before);
    expect(bytes).toBeGreaterThan(0);
  });
});
