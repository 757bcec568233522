import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';

import {
  FakeClock,
  freePort,
  seededRandom,
  startFaultProxy,
  startProcess,
  startScriptedRelay,
  temporaryDirectory,
} from '@holdfast/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

let server: Server;
let served = 0;
let port = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume().on('end', () => {
      served += 1;
      response.end('x'.repeat(1000));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address === 'object' && address) port = address.port;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

beforeEach(() => {
  served = 0;
});

async function ask(url: string): Promise<number> {
  const response = await fetch(url, { method: 'POST', body: 'y'.repeat(500) });
  return (await response.text()).length;
}

describe('the fault proxy', () => {
  test('passes everything until told otherwise', async () => {
    await using proxy = await startFaultProxy(port);
    expect(await ask(proxy.url)).toBe(1000);
    expect(Object.values(proxy.fired).every((count) => count === 0)).toBe(true);
  });

  test('refuses connections, new ones and open ones', async () => {
    await using proxy = await startFaultProxy(port);
    const open = connect(proxy.port, '127.0.0.1');
    await once(open, 'connect');
    expect(await ask(proxy.url)).toBe(1000);
    const closed = once(
      open.on('error', () => undefined),
      'close',
    );
    proxy.set({ kind: 'refuse' });
    await closed;
    await expect(ask(proxy.url)).rejects.toThrow(TypeError);
    expect(proxy.fired.refuse).toBeGreaterThan(0);
    proxy.heal();
    expect(await ask(proxy.url)).toBe(1000);
  });

  test('cuts a request so that the server never has it whole', async () => {
    await using proxy = await startFaultProxy(port);
    proxy.set({ kind: 'cut-request', afterBytes: 300 });
    await expect(ask(proxy.url)).rejects.toThrow(TypeError);
    expect(served).toBe(0);
    expect(proxy.fired['cut-request']).toBeGreaterThan(0);
  });

  test('drops the answer after the request had its effect, as often as told', async () => {
    await using proxy = await startFaultProxy(port);
    proxy.set({ kind: 'drop-answer' }, 1);
    await expect(ask(proxy.url)).rejects.toThrow(TypeError);
    expect(served).toBe(1);
    expect(proxy.fired['drop-answer']).toBe(1);
    expect(await ask(proxy.url)).toBe(1000);
  });

  test('truncates an answer', async () => {
    await using proxy = await startFaultProxy(port);
    proxy.set({ kind: 'truncate-answer', afterBytes: 400 });
    await expect(ask(proxy.url)).rejects.toThrow(TypeError);
    expect(served).toBe(1);
    expect(proxy.fired['truncate-answer']).toBe(1);
  });

  test('delays an answer and loses none of it', async () => {
    await using proxy = await startFaultProxy(port);
    proxy.set({ kind: 'delay', ms: 5 });
    expect(await ask(proxy.url)).toBe(1000);
    expect(proxy.fired.delay).toBeGreaterThan(0);
  });

  test('swallows requests while it stalls', async () => {
    await using proxy = await startFaultProxy(port);
    proxy.set({ kind: 'stall' });
    const patience = new AbortController();
    const answer = fetch(proxy.url, { signal: patience.signal });
    await expect.poll(() => proxy.fired.stall).toBe(1);
    patience.abort();
    await expect(answer).rejects.toThrow(/aborted/);
    expect(served).toBe(0);
  });
});

describe('the scripted relay', () => {
  test('answers in order, remembers what was asked and then answers 500', async () => {
    await using relay = await startScriptedRelay([
      { kind: 'answer', status: 200, body: { fine: true } },
      { kind: 'answer', status: 429, headers: { 'retry-after': '1' }, body: 'garbage{' },
    ]);
    const first = await fetch(`${relay.url}/a`, { method: 'POST', body: 'hello' });
    expect(await first.json()).toEqual({ fine: true });
    const second = await fetch(`${relay.url}/b`);
    expect([second.status, second.headers.get('retry-after'), await second.text()]).toEqual([429, '1', 'garbage{']);
    expect((await fetch(relay.url)).status).toBe(500);
    await relay.received(3);
    expect(relay.answersLeft).toBe(0);
    expect(relay.requests[0]).toMatchObject({ method: 'POST', path: '/a', body: Buffer.from('hello') });
  });

  test('gives half an answer, none, or a reset', async () => {
    await using relay = await startScriptedRelay([
      { kind: 'half', status: 200, body: 'x'.repeat(100) },
      { kind: 'reset' },
      { kind: 'hang' },
    ]);
    const half = await fetch(relay.url);
    await expect(half.text()).rejects.toThrow(TypeError);
    await expect(fetch(relay.url)).rejects.toThrow(TypeError);
    const controller = new AbortController();
    const hanging = fetch(relay.url, { signal: controller.signal });
    await relay.received(3);
    controller.abort();
    await expect(hanging).rejects.toThrow(/aborted/);
  });
});

describe('the rest of the kit', () => {
  test('a temporary directory is private and goes with its block', async () => {
    let path = '';
    {
      await using directory = await temporaryDirectory();
      path = directory.path;
      expect(statSync(path).mode & 0o777).toBe(0o700);
      writeFileSync(directory.file('a'), '');
      expect(existsSync(`${path}/a`)).toBe(true);
    }
    expect(existsSync(path)).toBe(false);
  });

  test('a clock moves only when told', () => {
    const clock = new FakeClock(1000);
    const { now } = clock;
    clock.advance(-1);
    expect(now()).toBe(999);
    clock.set(5);
    expect(now()).toBe(5);
  });

  test('the same seed gives the same randomness, within its bounds', () => {
    const draw = (seed: number): number[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 1000 }, () => random.integer(3, 7));
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect([...new Set(draw(7))].toSorted((left, right) => left - right)).toEqual([3, 4, 5, 6, 7]);
    expect(() => seededRandom(1).pick([])).toThrow(RangeError);
  });

  test('a free port can be listened on', async () => {
    const listener = createServer().listen(await freePort(), '127.0.0.1');
    await once(listener, 'listening');
    expect(listener.listening).toBe(true);
    listener.close();
  });

  test('a process is started, read from and killed by its id', async () => {
    const script = 'console.log("ready 1"); console.log("two"); setInterval(() => {}, 1000)';
    await using child = await startProcess({ args: ['-e', script], ready: /^ready/ });
    await child.waitForLines(2);
    expect([child.readyLine, child.lines()]).toEqual(['ready 1', ['ready 1', 'two']]);
    expect(await child.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    expect(() => process.kill(child.pid, 0)).toThrow('ESRCH');
  });

  test('a process that ends before it is ready is told of, with what it wrote', async () => {
    const started = startProcess({ args: ['-e', 'console.error("no luck"); process.exit(3)'], ready: /^ready/ });
    await expect(started).rejects.toThrow(/no luck/);
  });
});
