import { describe, expect, test } from 'vitest';

import { connect, type ConnectOptions, connectRelay, type Holdfast } from '@holdfast/client';

import {
  cutAnswer,
  json,
  lostAnswer,
  nothing,
  problem,
  type ScriptedServer,
  scriptedServer,
  silence,
  type Step,
  written,
} from './scripted-server.ts';

interface Played extends AsyncDisposable {
  readonly holdfast: Holdfast;
  readonly server: ScriptedServer;
  /** Milliseconds of every wait between attempts. */
  readonly waits: number[];
}

/** A client whose waits are written down instead of waited; `random` gives the longest delay. */
async function play(steps: readonly Step[], options: ConnectOptions = {}): Promise<Played> {
  const server = await scriptedServer(...steps);
  const waits: number[] = [];
  const sleep = (ms: number): Promise<void> => {
    waits.push(ms);
    return Promise.resolve();
  };
  const holdfast = connect({ url: server.url, token: 't', random: () => 1, sleep, ...options });
  return {
    holdfast,
    server,
    waits,
    [Symbol.asyncDispose]: async () => {
      await holdfast.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const busy = problem(503, 'queue-full', { retryable: true });
const broken = problem(500, 'internal', { retryable: true });
const unmet = problem(412, 'precondition-failed');
const put = (holdfast: Holdfast): Promise<unknown> => holdfast.collection('notes').put('n-1', {});

/** What something in between answers with. */
const page =
  (status: number): Step =>
  (response) =>
    void response.writeHead(status).end('<html>secret</html>');
const stall: Step = (response) => void response.writeHead(200, { 'content-length': '9' }).write('{');
const slow: Step = (response, request) => void setTimeout(() => json(written)(response, request), 120);

describe('sending again', () => {
  test('a write is sent again until it is taken, with delays that grow', async () => {
    await using played = await play([busy, lostAnswer(), cutAnswer(), json(written)]);
    expect(await put(played.holdfast)).toEqual(written);
    expect(played.server.seen).toHaveLength(4);
    expect(played.waits).toEqual([250, 500, 1000]);
  });

  test('the number of repetitions is bounded, and the last failure is told', async () => {
    await using played = await play([busy], { retries: 2 });
    await expect(put(played.holdfast)).rejects.toMatchObject({ code: 'queue-full', retryable: true });
    expect(played.server.seen).toHaveLength(3);
  });

  test('Retry-After is waited for, with jitter on top', async () => {
    await using played = await play([
      problem(429, 'too-many-requests', { retryable: true, retryAfter: '7' }),
      json(written),
    ]);
    await put(played.holdfast);
    expect(played.waits).toEqual([7250]);
  });

  test('a Retry-After of half an hour is left to the caller', async () => {
    const step = problem(503, 'queue-full', { retryable: true, retryAfter: '1800' });
    await using played = await play([step, json(written)]);
    await expect(put(played.holdfast)).rejects.toMatchObject({ retryAfterSeconds: 1800 });
    expect(played.server.seen).toHaveLength(1);
  });

  test.each([problem(401, 'unauthenticated'), problem(422, 'unsafe-document'), unmet])(
    'what cannot pass is not tried again (%#)',
    async (step) => {
      await using played = await play([step, json(written)]);
      await expect(put(played.holdfast)).rejects.toMatchObject({ name: 'HoldfastProblem' });
      expect(played.server.seen).toHaveLength(1);
    },
  );

  test("a gateway's 502 page is tried again, its 404 page is not", async () => {
    await using played = await play([page(502), page(404)]);
    const failure: unknown = await put(played.holdfast).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'unexpected-answer', status: 404 });
    expect(String(failure)).not.toContain('secret');
    expect(played.server.seen).toHaveLength(2);
  });

  test('queries are sent again, on daemon and relay', async () => {
    const none = json({ records: [], next: null });
    await using played = await play([lostAnswer(), none, lostAnswer(), none]);
    await played.holdfast.collection('notes').query();
    await using relay = connectRelay({ url: played.server.url, token: 't', sleep: () => Promise.resolve() });
    await relay.query();
    expect(played.server.seen).toHaveLength(4);
  });

  test('create and batch repeat with the key of their first attempt', async () => {
    await using played = await play([
      lostAnswer(),
      broken,
      json(written),
      lostAnswer(),
      json({ results: [], ack: 'local' }),
    ]);
    await played.holdfast.collection('notes').create({});
    await played.holdfast.batch([{ op: 'delete', collection: 'notes', id: 'n-1' }]);
    const keys = played.server.seen.map(({ headers }) => headers['idempotency-key']);
    expect(keys.slice(0, 3)).toEqual([keys[0], keys[0], keys[0]]);
    expect(keys[4]).toBe(keys[3]);
    expect(keys[3]).not.toBe(keys[0]);
  });
});

describe('a lost answer', () => {
  test('a conditional put that then meets its own work is told as unknown, not as a conflict', async () => {
    await using played = await play([lostAnswer(), unmet]);
    const putIfMatch = played.holdfast.collection('notes').put('n-1', {}, { ifMatch: written.version });
    await expect(putIfMatch).rejects.toMatchObject({
      name: 'HoldfastUnreachable',
      outcome: 'unknown',
      cause: { code: 'precondition-failed' },
    });
  });

  test('a conditional put that had not been carried out succeeds when sent again', async () => {
    await using played = await play([lostAnswer(), json(written)]);
    const notes = played.holdfast.collection('notes');
    expect(await notes.put('n-1', {}, { ifMatch: written.version })).toEqual(written);
  });

  test('a precondition that fails after a refusal is a plain conflict', async () => {
    await using played = await play([busy, unmet]);
    const putIfMatch = played.holdfast.collection('notes').put('n-1', {}, { ifMatch: written.version });
    await expect(putIfMatch).rejects.toMatchObject({ code: 'precondition-failed' });
  });

  test('a precondition in a batch is judged by the key, so its failure is plain', async () => {
    await using played = await play([lostAnswer(), unmet]);
    const batch = played.holdfast.batch([{ op: 'delete', collection: 'notes', id: 'n-1' }]);
    await expect(batch).rejects.toMatchObject({ code: 'precondition-failed' });
  });

  test('a refusal after it does not claim that nothing was stored', async () => {
    await using played = await play([lostAnswer(), busy]);
    await expect(put(played.holdfast)).rejects.toMatchObject({
      name: 'HoldfastUnreachable',
      outcome: 'unknown',
      cause: { code: 'queue-full' },
    });
  });

  test('an outcome and an acknowledgement are said again, as the same again is harmless', async () => {
    const settled = json({ id: 'x', version: 'v', ack: 'local', repeated: true });
    await using played = await play([lostAnswer(), settled, lostAnswer(), settled, lostAnswer(), unmet]);
    const { recruiter } = played.holdfast;
    expect(await recruiter.recordOutcome('x', { outcome: 'pass' })).toMatchObject({ repeated: true });
    expect(await recruiter.acknowledge('x', { by: 'grace' })).toMatchObject({ repeated: true });
    await expect(recruiter.acknowledge('x')).rejects.toMatchObject({ code: 'precondition-failed' });
    expect(played.server.seen.map(({ url, body }) => `${url} ${body}`)).toEqual([
      ...Array<string>(2).fill('/v1/interviews/x/outcome {"outcome":"pass"}'),
      ...Array<string>(2).fill('/v1/interactions/x/acknowledge {"by":"grace"}'),
      ...Array<string>(2).fill('/v1/interactions/x/acknowledge {}'),
    ]);
  });

  test('a delete that then finds no record has done its work', async () => {
    await using played = await play([lostAnswer(), problem(404, 'record-not-found')]);
    expect(await played.holdfast.collection('notes').delete('n-1')).toBeUndefined();
    await using other = await play([lostAnswer(), problem(404, 'dead-letter-not-found')]);
    await other.holdfast.deadLetters.drop('scout', '4');
    expect(other.server.seen).toHaveLength(2);
  });

  test('a delete of something that never was there is a failure where the call says so', async () => {
    await using played = await play([problem(404, 'dead-letter-not-found'), nothing()]);
    await expect(played.holdfast.deadLetters.drop('scout', '4')).rejects.toMatchObject({
      code: 'dead-letter-not-found',
    });
  });

  test.each(['patch', 'agent', 'join'] as const)('%s is not sent again', async (call) => {
    await using played = await play([lostAnswer(), json(written)]);
    const { holdfast, server } = played;
    const calls = {
      patch: () => holdfast.collection<{ a?: number }>('notes').patch('n-1', { a: 1 }),
      agent: () => holdfast.agents.create('scout'),
      join: () => holdfast.node.join({ relay: 'http://r', token: 't', name: 'ws' }),
    };
    await expect(calls[call]()).rejects.toMatchObject({ name: 'HoldfastUnreachable', outcome: 'unknown' });
    expect(server.seen).toHaveLength(1);
  });

  test('a patch is sent again after a refusal, and after a lost answer if it has a condition', async () => {
    await using played = await play([busy, json(written), lostAnswer(), json(written)]);
    const notes = played.holdfast.collection<{ a?: number }>('notes');
    await notes.patch('n-1', { a: 1 });
    await notes.patch('n-1', { a: 1 }, { ifMatch: written.version });
    expect(played.server.seen).toHaveLength(4);
  });

  test('a patch that failed inside the service is not sent again: it may be stored', async () => {
    await using played = await play([broken, json(written)]);
    await expect(played.holdfast.collection<object>('notes').patch('n-1', {})).rejects.toMatchObject({
      code: 'internal',
    });
    expect(played.server.seen).toHaveLength(1);
  });
});

describe('no service', () => {
  test('a refused connection is told as not sent, and even a join is tried again', async () => {
    const gone = await scriptedServer(nothing());
    await gone[Symbol.asyncDispose]();
    await using played = await play([nothing()], { url: gone.url });
    const join = played.holdfast.node.join({ relay: 'http://r', token: 't', name: 'ws' });
    await expect(join).rejects.toMatchObject({
      name: 'HoldfastUnreachable',
      outcome: 'not-sent',
      cause: expect.any(Error),
    });
    expect(played.waits).toHaveLength(3);
  });

  test('a service that never answers is given up after the time limit', async () => {
    await using played = await play([silence()], { timeoutMs: 40, retries: 1 });
    await expect(put(played.holdfast)).rejects.toMatchObject({ name: 'HoldfastUnreachable', outcome: 'unknown' });
    expect(played.server.seen).toHaveLength(2);
  });

  test('an answer that begins and then stalls is given up too', async () => {
    await using played = await play([stall], { timeoutMs: 40, retries: 0 });
    await expect(put(played.holdfast)).rejects.toMatchObject({ outcome: 'unknown' });
  });

  test('the wait for the relay does not count against the time limit', async () => {
    await using played = await play([slow], { timeoutMs: 60, retries: 0 });
    const answer = played.holdfast.collection('notes').put('n-1', {}, { ack: 'relay', timeout: 10 });
    expect(await answer).toEqual(written);
  });

  test('close ends a request under way, a wait between attempts, and every later call', async () => {
    await using server = await scriptedServer(silence(), busy);
    const holdfast = connect({ url: server.url });
    const request = put(holdfast).catch((error: unknown) => error);
    await waitFor(() => server.seen.length === 1);
    await holdfast.close();
    expect(await request).toMatchObject({ message: 'the client was closed', outcome: 'unknown' });
    await expect(put(holdfast)).rejects.toMatchObject({ message: 'the client was closed', outcome: 'not-sent' });

    const waiting = connect({
      url: server.url,
      random: () => 1,
      sleep: (_ms, signal) => {
        setImmediate(() => void waiting.close());
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('ended')));
        });
      },
    });
    await expect(put(waiting)).rejects.toMatchObject({ message: 'the client was closed', outcome: 'not-sent' });
  });
});

describe('redirects', () => {
  test.each([301, 307, 308])('a %d is not followed, so the token stays with its host', async (status) => {
    await using elsewhere = await scriptedServer(json(written));
    const redirect: Step = (response) => void response.writeHead(status, { location: elsewhere.url }).end();
    await using played = await play([redirect]);
    await expect(put(played.holdfast)).rejects.toMatchObject({ code: 'unexpected-answer', status, retryable: false });
    await expect(played.holdfast.status()).rejects.toMatchObject({ code: 'unexpected-answer' });
    expect(elsewhere.seen).toEqual([]);
    expect(played.server.seen).toHaveLength(2);
  });
});

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
