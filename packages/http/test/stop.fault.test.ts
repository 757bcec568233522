import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { ask, start, Wire } from './service-under-test.ts';

/** More than the system's buffers hold between a service and a client that does not read. */
const LARGE_BYTES = 15 * 1024 * 1024;

describe('stop', () => {
  test('lets a request under way finish, and closes everything else', async () => {
    await using under = await start();
    using busy = await under.connect();
    using idle = await under.connect();
    using unused = await under.connect();
    idle.send(under.head('GET /docs/a'));
    await idle.until(/"a"$/);
    busy.send(under.head('GET /wait'));
    await under.gate.arrived;
    const stopped = under.service.stop();
    expect(under.service.stop()).toBe(stopped);
    await Promise.all([idle.closed(), unused.closed()]);
    await expect(Wire.open(under.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    under.gate.open();
    const answer = await busy.closed();
    expect(answer).toContain('"waited"');
    expect(answer).toContain('connection: close');
    await stopped;
  });

  test('refuses what comes behind a request under way', async () => {
    await using under = await start();
    using wire = await under.connect();
    wire.send(under.head('GET /wait'));
    await under.gate.arrived;
    void under.service.stop();
    wire.send(under.head('GET /readyz'));
    under.gate.open();
    const answer = await wire.closed();
    expect(answer).toContain('"waited"');
    expect(answer.split('HTTP/1.1 ').length - 1).toBeLessThanOrEqual(2);
    expect(answer).not.toContain('"status":"ok"');
  });

  test('waits for a large answer that is ended and not yet with its client', async () => {
    await using under = await start({ logLevel: 'debug' });
    using wire = await under.connect();
    const body = JSON.stringify(['x'.repeat(LARGE_BYTES)]);
    wire.send(under.head('POST /both', 'content-type: application/json', `content-length: ${body.length}`));
    wire.socket.pause();
    wire.send(body);
    await expect.poll(() => under.logged.some(({ route }) => route === 'both')).toBe(true);
    const stopped = under.service.stop();
    wire.socket.resume();
    const answer = await wire.closed();
    expect(answer.length).toBeGreaterThan(LARGE_BYTES);
    expect(answer.endsWith('x"]')).toBe(true);
    await stopped;
  });

  test('cuts requests that outlast stop.seconds, and tells their handlers', async () => {
    await using under = await start({ config: { 'stop.seconds': 0 } });
    using wire = await under.connect();
    wire.send(under.head('GET /wait'));
    const signal = await under.gate.arrived;
    await under.service.stop();
    expect(await wire.closed()).toBe('');
    if (!signal.aborted) await once(signal, 'abort');
    expect(signal.aborted).toBe(true);
  });
});

test('a client that goes away aborts its call', async () => {
  await using under = await start();
  using wire = await under.connect();
  wire.send(under.head('GET /wait'));
  const signal = await under.gate.arrived;
  const aborted = once(signal, 'abort');
  wire.socket.destroy();
  await aborted;
  expect(signal.aborted).toBe(true);
});

describe('a unix socket', () => {
  test('takes any Host, but no web page and no missing token', async () => {
    await using under = await start();
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-http-'));
    const socketPath = join(directory, 'node.sock');
    try {
      await under.service.listen({ path: socketPath });
      expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
      const headers = { ...under.headers, host: 'anything' };
      const status = async (more: Record<string, string>): Promise<number> =>
        (await ask({ socketPath, method: 'GET', path: '/docs/a', headers: { ...headers, ...more } })).status;
      expect(await status({})).toBe(200);
      expect(await status({ origin: 'null' })).toBe(403);
      expect(await status({ authorization: '' })).toBe(401);
      await under.service.stop();
      await expect(stat(socketPath)).rejects.toMatchObject({ code: 'ENOENT' });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  test('that somebody serves is not taken over; one left behind is', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-http-'));
    const path = join(directory, 'node.sock');
    try {
      await using first = await start();
      await using second = await start();
      await first.service.listen({ path });
      await expect(second.service.listen({ path })).rejects.toMatchObject({ code: 'EADDRINUSE' });
      await leaveBehind(join(directory, 'old.sock'));
      await second.service.listen({ path: join(directory, 'old.sock') });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  test('never replaces a plain file', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-http-'));
    const path = join(directory, 'file');
    try {
      await using under = await start();
      await writeFile(path, 'mine');
      await expect(under.service.listen({ path })).rejects.toMatchObject({ code: 'EADDRINUSE' });
      expect((await stat(path)).size).toBe(4);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

/** Makes a socket file nobody listens on, as a killed process leaves it. */
async function leaveBehind(path: string): Promise<void> {
  const { link, rename } = await import('node:fs/promises');
  const server = createServer().listen(`${path}.live`);
  await once(server, 'listening');
  await link(`${path}.live`, `${path}.kept`);
  server.close();
  await once(server, 'close');
  await rename(`${path}.kept`, path);
}

test('a taken port is reported', async () => {
  await using under = await start();
  await expect(under.service.listen({ host: '127.0.0.1', port: under.port })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
});
