import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { connect, connectRelay } from '@holdfast/client';

import { json, rawServer, scriptedServer, written } from './scripted-server.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-client-'));
  for (const name of Object.keys(process.env)) if (name.startsWith('HOLDFAST_')) vi.stubEnv(name, undefined);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

/** The Authorization header and the URL of one status call. */
async function statusCall(
  options: Parameters<typeof connect>[0] = {},
): Promise<{ url: string; authorization: string | undefined }> {
  let call = { url: '', authorization: undefined as string | undefined };
  await using holdfast = connect({
    ...options,
    fetch: (url, init) => {
      call = { url, authorization: init.headers['authorization'] };
      return Promise.resolve(Response.json({}));
    },
  });
  await holdfast.status();
  return call;
}

describe('where and as whom', () => {
  test('without anything said it is the daemon of this machine, without a token', async () => {
    expect(await statusCall()).toEqual({ url: 'http://127.0.0.1:8002/v1/status', authorization: undefined });
  });

  test('address and token come from the environment, and options win over it', async () => {
    vi.stubEnv('HOLDFAST_URL', 'https://node.example/base/');
    vi.stubEnv('HOLDFAST_TOKEN', 'from-environment');
    expect(await statusCall()).toEqual({
      url: 'https://node.example/base/v1/status',
      authorization: 'Bearer from-environment',
    });
    expect(await statusCall({ url: 'http://127.0.0.1:9', token: 'given' })).toEqual({
      url: 'http://127.0.0.1:9/v1/status',
      authorization: 'Bearer given',
    });
  });

  test('the token may stand in a file', async () => {
    const file = join(directory, 'token');
    await writeFile(file, 'from-file\n');
    vi.stubEnv('HOLDFAST_TOKEN_FILE', file);
    expect(await statusCall()).toMatchObject({ authorization: 'Bearer from-file' });
    vi.stubEnv('HOLDFAST_RELAY_TOKEN_FILE', join(directory, 'missing'));
    expect(() => connectRelay()).toThrow(expect.objectContaining({ code: 'bad-configuration' }));
  });

  test('agent and resource go into headers', async () => {
    await using server = await scriptedServer(json({}));
    await using holdfast = connect({ url: server.url, agent: 'scout', resource: 'app:user_123' });
    await holdfast.status();
    expect(server.seen[0]?.headers).toMatchObject({ 'holdfast-agent': 'scout', 'holdfast-resource': 'app:user_123' });
  });

  test.each([
    [{ url: 'ftp://x' }],
    [{ url: 'nonsense' }],
    [{ url: 'http://me:secret@127.0.0.1' }],
    [{ token: 'secret\nline' }],
    [{ timeoutMs: 0 }],
    [{ retries: -1 }],
  ])('bad configuration %# is refused at once, without quoting secrets', (options) => {
    expect(() => connect(options)).toThrow(expect.objectContaining({ code: 'bad-configuration', status: 0 }));
    expect(() => connect(options)).not.toThrow(/secret/);
  });

  test('an idempotency key that no header can carry is refused', async () => {
    await using holdfast = connect({ url: 'http://127.0.0.1:9' });
    const create = holdfast.collection('notes').create({}, { idempotencyKey: 'a\r\nb' });
    await expect(create).rejects.toMatchObject({ code: 'invalid-request', status: 0 });
  });
});

describe('the unix socket', () => {
  test('calls and streams go over it, named by option or environment', async () => {
    const socket = join(directory, 'node.sock');
    await using server = await rawServer(
      (request, response) => {
        let text = '';
        request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        request.on('end', () => {
          const lines = text.split('\n').length - 1;
          const answers = Array.from({ length: lines }, (_, index) => JSON.stringify({ ...written, line: index + 1 }));
          const end = JSON.stringify({ end: true, count: lines, written: lines });
          response.end(
            request.url === '/v1/batch' ? `${[...answers, end].join('\n')}\n` : JSON.stringify(request.headers),
          );
        });
      },
      { path: socket },
    );
    expect(server.url).toBe('http://localhost');

    await using holdfast = connect({ socket, token: 't' });
    expect(await holdfast.status()).toMatchObject({ host: 'localhost', authorization: 'Bearer t' });
    const operations = [{ op: 'delete', collection: 'notes', id: 'n-1' }] as const;
    expect(await holdfast.stream(operations)).toMatchObject({ count: 1 });

    vi.stubEnv('HOLDFAST_SOCKET', socket);
    await using other = connect();
    expect(await other.status()).toMatchObject({ host: 'localhost' });
  });

  test('a socket that is not there is told as not sent', async () => {
    await using holdfast = connect({ socket: join(directory, 'missing.sock'), retries: 0 });
    await expect(holdfast.status()).rejects.toMatchObject({ name: 'HoldfastUnreachable', outcome: 'not-sent' });
  });
});
