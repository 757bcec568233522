import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

import { initNode, startDaemon } from '@holdfast/daemon';
import { isHoldfastError } from '@holdfast/protocol';
import { startProcess, temporaryDirectory } from '@holdfast/testkit';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';

import { HttpCaller, readReply } from './support/http-call.ts';
import { TestDaemon, testConfig } from './support/test-daemon.ts';

const daemonProcess = new URL('fixtures/daemon-process.ts', import.meta.url).pathname;

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    return isHoldfastError(error) ? error.code : String(error);
  }
}

describe('the data directory', () => {
  test('is one daemon’s alone: a second one is refused at once, in this process and in another', async () => {
    await using daemon = await TestDaemon.start();
    const { directory } = daemon;
    expect(await codeOf(TestDaemon.start({ directory }))).toBe('directory-locked');
    expect(await codeOf(Promise.resolve().then(() => initNode(directory)))).toBe('directory-locked');
    const other = startProcess({ args: [daemonProcess, directory], ready: /never/ });
    await expect(other).rejects.toThrow('directory-locked');
    expect((await daemon.call('GET /v1/agents')).status).toBe(200);
  });

  test('is free again once its daemon stopped, or could not start', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    expect(await codeOf(TestDaemon.start({ directory, config: { 'listen.port': port } }))).toContain('EADDRINUSE');
    taken.close();
    const first = await TestDaemon.start({ directory });
    await first.stop();
    const second = await TestDaemon.start({ directory });
    await second.stop();
  });

  test('of a daemon that could not make its socket is served by nobody', async () => {
    await using place = await temporaryDirectory();
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const address = probe.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    probe.close();
    await once(probe, 'close');
    const config = { 'listen.port': port, 'listen.socket': join(place.path, 'no-such-folder', 'node.sock') };
    expect(await codeOf(TestDaemon.start({ directory: place.file('node'), config }))).not.toBe('none');
    const knock = connect(port, '127.0.0.1');
    const [error] = (await once(knock, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
  });

  test('must be closed to others', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('open');
    mkdirSync(directory, { mode: 0o755 });
    expect(await codeOf(TestDaemon.start({ directory }))).toBe('directory-unsafe');
    expect(existsSync(join(directory, 'node.db'))).toBe(false);
  });

  test('is made by init once, with a token that the daemon then knows', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    const { adminTokenFile } = initNode(directory);
    expect(existsSync(adminTokenFile)).toBe(true);
    expect(await codeOf(Promise.resolve().then(() => initNode(directory)))).toBe('already-initialised');
    const daemon = await TestDaemon.start({ directory });
    expect((await daemon.call('GET /v1/agents')).status).toBe(200);
    await daemon.stop();
  });

  test('of a node that was killed while it was made gets its admin token at the next start', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    mkdirSync(directory, { mode: 0o700 });
    writeFileSync(join(directory, 'admin.token'), 'half a tok');
    const daemon = await TestDaemon.start({ directory });
    expect((await daemon.call('GET /v1/agents')).status).toBe(200);
    await daemon.stop();
    rmSync(join(directory, 'admin.token'));
    const { adminToken } = daemon;
    const log = pino({ level: 'silent' });
    const again = await startDaemon({ config: testConfig(), directory, log, version: '0' });
    expect(existsSync(join(directory, 'admin.token'))).toBe(false);
    const caller = new HttpCaller(again.url);
    const { status } = await caller.send({
      method: 'GET',
      path: '/v1/agents',
      headers: { authorization: `Bearer ${adminToken}` },
    });
    expect(status).toBe(200);
    caller.close();
    await again.stop();
  });

  test('keeps a file of the user’s that stands where the socket should be', async () => {
    await using place = await temporaryDirectory();
    const path = place.file('precious.txt');
    writeFileSync(path, 'precious');
    expect(
      await codeOf(TestDaemon.start({ directory: place.file('node'), config: { 'listen.socket': path } })),
    ).not.toBe('none');
    expect(existsSync(path)).toBe(true);
  });
});

describe('a daemon told to stop', () => {
  test('answers the request under way, takes no new one, and what it answered is there afterwards', async () => {
    const daemon = await TestDaemon.start();
    const token = await daemon.agent('ada');
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const outgoing = request(`${daemon.url}/v1/kv/last`, { method: 'PUT', headers });
    outgoing.write('"wor');
    await expect
      .poll(async () => (await daemon.call('GET /metrics')).text)
      .toMatch(/in_flight\S* 2\n|under_way\S* 2\n/);
    const stopped = daemon.stop();
    const refused = await fetch(`${daemon.url}/livez`).then(
      ({ status }) => status,
      () => 'refused',
    );
    expect(['refused', 503]).toContain(refused);
    outgoing.end('ds"');
    const reply = await readReply(outgoing);
    expect(reply.status).toBe(200);
    expect(reply.headers.connection).toBe('close');
    await stopped;
    expect(existsSync(daemon.socketPath ?? '')).toBe(false);
    expect(existsSync(join(daemon.directory, 'service.json'))).toBe(false);
    const again = await TestDaemon.start({ directory: daemon.directory });
    expect((await again.call('GET /v1/kv/last', { token })).text).toBe('"words"');
    await again.stop();
    await daemon[Symbol.asyncDispose]();
  });

  test('waits no longer than it may for a request that does not end', async () => {
    await using daemon = await TestDaemon.start({ config: { 'stop.seconds': 0 } });
    const token = await daemon.agent('ada');
    const outgoing = request(`${daemon.url}/v1/kv/never`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}` },
    });
    const ended = once(outgoing, 'error');
    outgoing.write('"');
    await once(outgoing, 'socket');
    await daemon.call('GET /livez');
    await daemon.stop();
    const [error] = (await ended) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
  });

  test('may be told twice', async () => {
    await using daemon = await TestDaemon.start();
    await Promise.all([daemon.stop(), daemon.stop()]);
    await expect(daemon.call('GET /livez')).rejects.toThrow('ECONNREFUSED');
  });
});

describe('a full queue', () => {
  test('refuses writes with 503 and Retry-After, and stores none of those it refused', async () => {
    await using daemon = await TestDaemon.start({ config: { 'commit.queue': 5 } });
    const token = await daemon.agent('ada');
    const { host, port } = new URL(daemon.url);
    const socket = connect(Number(port), '127.0.0.1');
    // Pipelined in one piece, so that all of them are there before the first commit.
    const requests = Array.from({ length: 20 }, (_, index) =>
      [
        `PUT /v1/kv/k${index} HTTP/1.1`,
        `Host: ${host}`,
        `Authorization: Bearer ${token}`,
        'Content-Type: application/json',
        'Content-Length: 1',
        ...(index === 19 ? ['Connection: close'] : []),
        '',
        '1',
      ].join('\r\n'),
    );
    socket.write(requests.join(''));
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    const answers = text.split(/(?=HTTP\/1\.1 \d{3})/);
    expect(answers).toHaveLength(20);
    const refused = answers.filter((answer) => answer.startsWith('HTTP/1.1 503'));
    const taken = answers.filter((answer) => answer.startsWith('HTTP/1.1 200'));
    expect(refused.length).toBeGreaterThan(0);
    expect(taken.length + refused.length).toBe(20);
    for (const answer of refused) expect(answer).toMatch(/retry-after: 1\r\n[^]*"code":"queue-full"/i);
    const { json } = await daemon.call('GET /v1/kv?limit=100', { token });
    expect(json.entries).toHaveLength(taken.length);
    expect((await daemon.call('PUT /v1/kv/afterwards', { token, body: 1 })).status).toBe(200);
  });
});

describe('many agents', () => {
  test('share few open files, and none loses anything', async () => {
    await using daemon = await TestDaemon.start({ config: { 'files.open': 4 } });
    const names = Array.from({ length: 40 }, (_, index) => `agent-${index}`);
    const tokens = await Promise.all(names.map((name) => daemon.agent(name)));
    for (let round = 0; round < 3; round += 1) {
      const writes = tokens.map((token, index) => daemon.call(`PUT /v1/kv/r${round}`, { token, body: index }));
      for (const { status } of await Promise.all(writes)) expect(status).toBe(200);
    }
    for (const [index, token] of tokens.entries()) {
      const { json } = await daemon.call('GET /v1/kv', { token });
      expect((json.entries as { value: number }[]).map(({ value }) => value)).toEqual([index, index, index]);
    }
    const open = /holdfast_open_files (\d+)/.exec((await daemon.call('GET /metrics')).text)?.[1];
    expect(Number(open)).toBeLessThanOrEqual(4);
  });
});
