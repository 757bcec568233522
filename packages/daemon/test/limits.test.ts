import { limits } from '@holdfast/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { RateLimits } from '../src/service/limits/rate-limits.ts';
import { TestDaemon, type TestReply } from './support/test-daemon.ts';

const SCOPE = { agent: 'ada', resource: '' };

/** A daemon with an agent, under a clock of its own that the test moves. */
class Desk implements AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly token: string;
  readonly #clock: { ms: number };

  private constructor(daemon: TestDaemon, token: string, clock: { ms: number }) {
    this.daemon = daemon;
    this.token = token;
    this.#clock = clock;
  }

  static async open(): Promise<Desk> {
    const clock = { ms: 5_000 };
    const daemon = await TestDaemon.start({ monotonicMs: () => clock.ms });
    return new Desk(daemon, await daemon.agent('ada'), clock);
  }

  pass(seconds: number): void {
    this.#clock.ms += seconds * 1000;
  }

  take(
    key: string,
    more: object = {},
    as: { readonly token?: string; readonly headers?: object } = {},
  ): Promise<TestReply> {
    const body = { limit: 3, window_seconds: 60, ...more };
    const headers = as.headers as Record<string, string> | undefined;
    return this.daemon.call(`POST /v1/limits/${key}`, {
      token: as.token ?? this.token,
      ...(headers && { headers }),
      body,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
  }
}

function headersOf({ headers }: TestReply): (string | undefined)[] {
  const names = ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset', 'retry-after'] as const;
  return names.map((name) => headers[name]?.toString());
}

test('a limit is taken from until nothing is left, and comes free as its window slides', async () => {
  await using desk = await Desk.open();
  const first = await desk.take('api');
  expect([first.status, first.json]).toEqual([200, { allowed: true, remaining: 2, reset_seconds: 60 }]);
  expect(headersOf(first)).toEqual(['3', '2', '60', undefined]);
  desk.pass(20);
  expect((await desk.take('api', { cost: 2 })).json).toEqual({ allowed: true, remaining: 0, reset_seconds: 60 });
  desk.pass(30);
  const refused = await desk.take('api');
  expect(refused.status).toBe(429);
  expect(refused.json).toMatchObject({
    code: 'rate-limited',
    retryable: true,
    allowed: false,
    remaining: 0,
    reset_seconds: 30,
  });
  expect(headersOf(refused)).toEqual(['3', '0', '30', '10']);
  desk.pass(9.999);
  expect((await desk.take('api')).status).toBe(429);
  desk.pass(0.001);
  expect((await desk.take('api')).json).toMatchObject({ allowed: true, remaining: 0 });
  desk.pass(60);
  expect((await desk.take('api')).json).toMatchObject({ remaining: 2 });
});

test('a refusal takes nothing, and something cheaper may still be taken', async () => {
  await using desk = await Desk.open();
  await desk.take('api', { cost: 2 });
  for (let call = 0; call < 5; call += 1) {
    const refused = await desk.take('api', { cost: 2 });
    expect([refused.status, refused.json.remaining]).toEqual([429, 1]);
  }
  expect((await desk.take('api')).status).toBe(200);
});

test('callers that come at once get as much as there is and no more', async () => {
  await using desk = await Desk.open();
  const replies = await Promise.all(Array.from({ length: 60 }, () => desk.take('api', { limit: 25 })));
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(25);
});

test('agents, resources, keys and windows are counted apart', async () => {
  await using desk = await Desk.open();
  const others = [
    { as: { token: await desk.daemon.agent('ben') } },
    { as: { token: await desk.daemon.boundToken('ada', 'app:one') } },
    { as: { headers: { 'holdfast-resource': 'app:two' } } },
    { key: 'other' },
    { more: { window_seconds: 61 } },
  ];
  await desk.take('api', { cost: 3 });
  expect((await desk.take('api')).status).toBe(429);
  for (const { key = 'api', more = {}, as = {} } of others)
    expect((await desk.take(key, { cost: 3, ...more }, as)).status).toBe(200);
});

test('a limit that was lowered counts what was taken before', async () => {
  await using desk = await Desk.open();
  await desk.take('api', { limit: 10, cost: 8 });
  expect((await desk.take('api', { limit: 5 })).json).toMatchObject({ code: 'rate-limited', remaining: 0 });
  expect((await desk.take('api', { limit: 10 })).json).toMatchObject({ remaining: 1 });
});

test('what cannot be asked of a limit is refused', async () => {
  await using desk = await Desk.open();
  for (const wrong of [
    { limit: 0 },
    { window_seconds: 0.5 },
    { window_seconds: 86_401 },
    { cost: 4 },
    { cost: 0 },
    { burst: 1 },
  ])
    expect((await desk.take('api', wrong)).status).toBe(422);
});

describe('over any calls', () => {
  const call = fc.record({ afterMs: fc.integer({ min: 0, max: 700 }), cost: fc.integer({ min: 1, max: 4 }) });

  test('no window ever has more than the limit, and what was taken is late by a sixteenth of the window at most', () => {
    const calls = fc.array(call, { maxLength: 120 });
    fc.assert(
      fc.property(calls, fc.integer({ min: 4, max: 20 }), (made, limit) => {
        let nowMs = 0;
        const rates = new RateLimits(() => nowMs);
        const taken: { readonly atMs: number; readonly cost: number }[] = [];
        const within = (windowMs: number): number =>
          taken.filter(({ atMs }) => atMs > nowMs - windowMs).reduce((sum, { cost }) => sum + cost, 0);
        for (const { afterMs, cost } of made) {
          nowMs += afterMs;
          const { allowed, remaining, retryAfterSeconds } = rates.take(SCOPE, 'api', { limit, windowSeconds: 4, cost });
          const isRight = allowed || within(4000 + 250) + cost > limit;
          if (allowed) taken.push({ atMs: nowMs, cost });
          expect([isRight, retryAfterSeconds > 0]).toEqual([true, !allowed]);
          expect(within(4000)).toBeLessThanOrEqual(limit);
          expect(remaining).toBeLessThanOrEqual(limit - within(4000));
        }
      }),
    );
  });

  test('who waits as long as was said is let in', () => {
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 60 }), (made) => {
        let nowMs = 0;
        const rates = new RateLimits(() => nowMs);
        const wish = { limit: 4, windowSeconds: 4 };
        for (const { afterMs, cost } of made) {
          nowMs += afterMs;
          const { allowed, retryAfterSeconds } = rates.take(SCOPE, 'api', { ...wish, cost });
          if (allowed) continue;
          nowMs += retryAfterSeconds * 1000;
          expect(rates.take(SCOPE, 'api', { ...wish, cost }).allowed).toBe(true);
        }
      }),
    );
  });
});

test('an agent has a bounded number of limits: the ones not asked for begin anew, those of others stay', () => {
  const rates = new RateLimits(() => 0);
  const isFree = (key: string, agent = 'ada'): boolean =>
    rates.take({ agent, resource: '' }, key, { limit: 1, windowSeconds: 60, cost: 1 }).allowed;
  expect([isFree('used'), isFree('unused'), isFree('unused', 'ben')]).toEqual([true, true, true]);
  for (let key = 0; key < limits.countedLimits - 1; key += 1) {
    expect(isFree('used')).toBe(false);
    expect(isFree(`k-${key}`)).toBe(true);
  }
  expect(isFree('used')).toBe(false);
  expect(isFree('unused', 'ben')).toBe(false);
  expect(isFree('unused')).toBe(true);
});
