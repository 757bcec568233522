import { connect, type HeldLock, type Holdfast, LockLost } from '@holdfast/client';
import { describe, expect, test } from 'vitest';

import { json, nothing, problem, type ScriptedServer, scriptedServer, silence, type Step } from './scripted-server.ts';

interface Played extends AsyncDisposable {
  readonly holdfast: Holdfast;
  readonly server: ScriptedServer;
  /** What was asked so far: acquired, renewed, released. */
  readonly asked: () => string[];
}

const NAMES: Readonly<Record<string, string>> = { DELETE: 'release', GET: 'get' };

/** A lease so short that a test can wait for its end. */
const lease = (ttlSeconds: number, fence = 7) => ({
  name: 'billing',
  scope: 'node',
  lease: `node.${'a'.repeat(32)}`,
  fence,
  if_fence: `billing=${fence}`,
  ttl_seconds: ttlSeconds,
});

async function play(...steps: readonly Step[]): Promise<Played> {
  const server = await scriptedServer(...steps);
  const holdfast = connect({ url: server.url, token: 't', retries: 0 });
  return {
    holdfast,
    server,
    asked: () => server.seen.map(({ method, url }) => NAMES[method] ?? (url.endsWith('/renew') ? 'renew' : 'acquire')),
    [Symbol.asyncDispose]: async () => {
      await holdfast.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

function ended({ signal }: HeldLock): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener('abort', () => resolve(signal.reason));
  });
}

/** Answers after a while. */
function late(ms: number, step: Step): Step {
  return (response, request) => {
    setTimeout(() => step(response, request), ms);
  };
}

describe('a lock', () => {
  test('is asked for as wished, renewed in the background and released', async () => {
    await using played = await play(json(lease(0.3)), json(lease(0.3)), json(lease(0.3)), json(lease(600)), nothing());
    const lock = await played.holdfast.locks.acquire('billing', { ttlSeconds: 600, waitSeconds: 5, scope: 'network' });
    expect(lock).toMatchObject({ name: 'billing', fence: 7, ifFence: 'billing=7' });
    await expect.poll(() => played.server.seen.length).toBeGreaterThan(3);
    expect(lock.signal.aborted).toBe(false);
    await lock.release();
    expect(lock.signal.aborted).toBe(true);
    await lock.release();
    expect(played.asked()).toEqual(['acquire', 'renew', 'renew', 'renew', 'release']);
    const [acquire] = played.server.seen;
    expect(acquire?.url).toBe('/v1/locks/billing');
    expect(acquire?.headers['idempotency-key']).toMatch(/^[0-9a-f]{32}$/);
    expect(JSON.parse(acquire?.body ?? '')).toEqual({ scope: 'network', ttl_seconds: 600, wait_seconds: 5 });
  });

  test('is lost when it cannot be renewed in time, whatever became of the requests', async () => {
    await using played = await play(
      json(lease(0.3)),
      problem(503, 'relay-unreachable', { retryable: true }),
      silence(),
    );
    const lock = await played.holdfast.locks.acquire('billing');
    expect(await ended(lock)).toMatchObject({
      name: 'LockLost',
      message: expect.stringContaining('in time') as unknown,
    });
    await lock.release();
    expect(played.asked()).not.toContain('release');
  });

  test('is lost as soon as its lease is said to have ended', async () => {
    await using played = await play(json(lease(1)), problem(409, 'lease-lost'));
    const reason = await ended(await played.holdfast.locks.acquire('billing'));
    expect(reason).toBeInstanceOf(LockLost);
    expect(reason).toMatchObject({ cause: { code: 'lease-lost' } });
    expect(played.asked()).toEqual(['acquire', 'renew']);
  });

  test('that was waited for is renewed before it is handed out, as nobody knows when it was given', async () => {
    await using played = await play(late(150, json(lease(0.2))), json(lease(600)), nothing());
    await using lock = await played.holdfast.locks.acquire('billing', { waitSeconds: 5 });
    expect(played.asked()).toEqual(['acquire', 'renew']);
    expect(lock.signal.aborted).toBe(false);
  });

  test('is released when the work under it ends, however it does, and when the client is closed', async () => {
    await using played = await play(
      json(lease(600)),
      nothing(),
      json(lease(600)),
      nothing(),
      json(lease(600)),
      nothing(),
    );
    const { locks } = played.holdfast;
    await expect(locks.with('billing', {}, async ({ fence }) => fence)).resolves.toBe(7);
    const failing = locks.with('billing', {}, () => Promise.reject(new Error('the work failed')));
    await expect(failing).rejects.toThrow('the work failed');
    await locks.acquire('billing');
    await played.holdfast.close();
    expect(played.asked()).toEqual(['acquire', 'release', 'acquire', 'release', 'acquire', 'release']);
  });

  test('is waited for no more once the signal ends', async () => {
    await using played = await play(silence());
    const leaving = new AbortController();
    const waiting = played.holdfast.locks.acquire('billing', { waitSeconds: 60, signal: leaving.signal });
    await expect.poll(() => played.server.seen).toHaveLength(1);
    leaving.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  test('that nobody holds is nothing', async () => {
    await using played = await play(problem(404, 'lock-not-held'));
    await expect(played.holdfast.locks.get('billing')).resolves.toBeUndefined();
  });
});

describe('who would lead', () => {
  test('asks again while somebody else does, and when the lead is lost; ends when its work does', async () => {
    await using played = await play(
      problem(409, 'lock-held'),
      json(lease(0.3, 8)),
      problem(409, 'lease-lost'),
      json(lease(600, 9)),
      nothing(),
    );
    const fences: number[] = [];
    await played.holdfast.locks.lead('leader', { signal: new AbortController().signal }, async (lock) => {
      fences.push(lock.fence);
      if (lock.fence === 8) throw await ended(lock);
    });
    expect(fences).toEqual([8, 9]);
    expect(played.asked()).toEqual(['acquire', 'acquire', 'renew', 'acquire', 'release']);
  });

  test('gives the lead up when it is told to end', async () => {
    await using played = await play(json(lease(600)), nothing());
    const ending = new AbortController();
    await played.holdfast.locks.lead('leader', { signal: ending.signal }, async (lock) => {
      ending.abort();
      await ended(lock);
    });
    expect(played.asked()).toEqual(['acquire', 'release']);
  });

  test('is told what its work throws, and refusals that do not pass', async () => {
    await using played = await play(json(lease(600)), nothing(), problem(403, 'forbidden'));
    const options = { signal: new AbortController().signal };
    const failing = played.holdfast.locks.lead('leader', options, () => Promise.reject(new Error('the work failed')));
    await expect(failing).rejects.toThrow('the work failed');
    await expect(played.holdfast.locks.lead('leader', options, async () => {})).rejects.toMatchObject({
      code: 'forbidden',
    });
  });
});

test('a write under a lock carries its fence, also in batches and streams', async () => {
  const end = '{"end":true,"count":0,"written":0}\n';
  const lines: Step = (response) => void response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(end);
  await using played = await play(
    json({}),
    json({}),
    json({}),
    json({}),
    json({}),
    json({}),
    json({ results: [] }),
    lines,
  );
  const ifFence = 'network/billing=7';
  const notes = played.holdfast.collection('notes');
  await notes.put('n', {}, { ifFence });
  await notes.patch('n', {}, { ifFence });
  await notes.delete('n', { ifFence });
  await notes.create({}, { ifFence });
  await played.holdfast.kv.put('k', 1, { ifFence });
  await played.holdfast.collections.declare('notes', {}, { ifFence });
  await played.holdfast.batch([], { ifFence });
  await played.holdfast.stream([], { ifFence });
  expect(played.server.seen.map(({ headers }) => headers['if-fence'])).toEqual(Array(8).fill(ifFence));
});
