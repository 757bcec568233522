import type { Json } from '@holdfast/protocol';
import { expect, test } from 'vitest';

import { TestDaemon, type TestReply } from './support/test-daemon.ts';

const START_MS = Date.UTC(2026, 10, 20);

/** A daemon with the agents `commander` and `worker`, under a clock that the test moves. */
class Office implements AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly tokens: { readonly commander: string; readonly worker: string };
  readonly #clock: { ms: number };

  private constructor(daemon: TestDaemon, tokens: Office['tokens'], clock: { ms: number }) {
    this.daemon = daemon;
    this.tokens = tokens;
    this.#clock = clock;
  }

  static async open(): Promise<Office> {
    const clock = { ms: START_MS };
    const daemon = await TestDaemon.start({ now: () => clock.ms });
    const tokens = { commander: await daemon.agent('commander'), worker: await daemon.agent('worker') };
    return new Office(daemon, tokens, clock);
  }

  /** Lets time go by. */
  pass(seconds: number): void {
    this.#clock.ms += seconds * 1000;
  }

  /** Makes a task of the commander. */
  async add(id: string, task: { readonly [field: string]: Json } = {}): Promise<void> {
    const body = { type: 'screen', workers: ['worker'], ...task };
    const reply = await this.daemon.call(`PUT /v1/records/tasks/${id}`, { token: this.tokens.commander, body });
    expect(reply.status).toBe(200);
  }

  /** Calls as the worker, for the commander's tasks. */
  worker(call: string, body: object = {}): Promise<TestReply> {
    return this.daemon.call(`POST /v1/${call === 'claim' ? 'claims' : `tasks/${call}`}`, {
      token: this.tokens.worker,
      body: { from: 'commander', ...body },
    });
  }

  /** Claims as the worker; null: nothing there. */
  async claim(wish: object = {}): Promise<{ id: string; lease: string } | null> {
    const { status, json } = await this.worker('claim', wish);
    expect(status).toBe(200);
    return json.task as { id: string; lease: string } | null;
  }

  /** The task as it stands. */
  async task(id: string): Promise<Record<string, Json>> {
    const { json } = await this.daemon.call(`GET /v1/records/tasks/${id}`, { token: this.tokens.commander });
    return json as Record<string, Json>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
  }
}

test('the most urgent task comes first, among equal ones the one with the lowest id, and each goes to one worker', async () => {
  await using office = await Office.open();
  await office.add('b', { priority: 5 });
  await office.add('a', { priority: 5 });
  await office.add('low', { priority: 1 });
  await office.add('high', { priority: 10, payload: { candidate: 'c-1' } });
  const ids: (string | undefined)[] = [];
  for (let claim = 0; claim < 5; claim += 1) ids.push((await office.claim())?.id);
  expect(ids).toEqual(['high', 'a', 'b', 'low', undefined]);
  expect(await office.task('high')).toMatchObject({ status: 'assigned', worker: 'worker' });
});

test('workers that claim at once get different tasks', async () => {
  await using office = await Office.open();
  for (let task = 0; task < 40; task += 1) await office.add(`t-${task}`, { priority: (task % 10) + 1 });
  const claims = await Promise.all(Array.from({ length: 50 }, () => office.claim()));
  const claimed = claims.filter((task) => task !== null);
  expect(new Set(claimed.map(({ id }) => id)).size).toBe(40);
  expect(new Set(claimed.map(({ lease }) => lease)).size).toBe(40);
  expect(claimed).toHaveLength(40);
});

test('a worker gets what it may claim and asks for only', async () => {
  await using office = await Office.open();
  await office.add('mine', { workers: ['worker'], type: 'screen' });
  await office.add('anyones', { workers: ['*'], type: 'report' });
  await office.add('others', { workers: ['somebody-else'] });
  await office.add('own', { workers: null });
  expect(await office.claim({ types: ['report', 'mail'] })).toMatchObject({ id: 'anyones', from: 'commander' });
  expect(await office.claim({ types: ['report'] })).toBeNull();
  expect(await office.claim()).toMatchObject({ id: 'mine' });
  expect(await office.claim()).toBeNull();
  const { json } = await office.daemon.call('POST /v1/claims', { token: office.tokens.commander, body: {} });
  expect(json.task).toMatchObject({ id: 'others' });
});

test('tasks of one resource are not seen from another', async () => {
  await using office = await Office.open();
  await office.add('a');
  const token = await office.daemon.boundToken('worker', 'app:one');
  const body = { from: 'commander' };
  const { status, json } = await office.daemon.call('POST /v1/claims', { token, body });
  expect([status, json.task]).toEqual([200, null]);
});

test('completing stores the result, once however often it is said', async () => {
  await using office = await Office.open();
  await office.add('a');
  const { lease } = (await office.claim()) ?? {};
  const first = await office.worker('a/complete', { lease, result: { score: 0.8 } });
  expect(first.json).toEqual({ id: 'a', status: 'completed', due_at: null });
  const again = await office.worker('a/complete', { lease, result: { score: 0.1 } });
  expect(again.json).toEqual(first.json);
  expect(await office.task('a')).toMatchObject({ status: 'completed', result: { score: 0.8 }, progress: 1 });
});

test('heartbeats hold a task; without them another worker gets it, and the first one is told', async () => {
  await using office = await Office.open();
  await office.add('a');
  const first = await office.claim({ lease_seconds: 30 });
  office.pass(25);
  const beat = await office.worker('a/heartbeat', { lease: first?.lease, lease_seconds: 30, progress: 0.5 });
  expect(beat.json).toMatchObject({ status: 'in_progress', due_at: new Date(START_MS + 55_000).toISOString() });
  office.pass(25);
  expect(await office.claim()).toBeNull();
  office.pass(5);
  const second = await office.claim();
  expect(second).toMatchObject({ id: 'a', retries: 1 });
  expect(second?.lease).not.toBe(first?.lease);
  for (const call of ['heartbeat', 'complete', 'release'])
    expect((await office.worker(`a/${call}`, { lease: first?.lease })).json.code).toBe('lease-lost');
  expect((await office.worker('a/complete', { lease: second?.lease })).json.status).toBe('completed');
});

test('a lease that has ended ends the task for nobody, though no other worker claimed it yet', async () => {
  await using office = await Office.open();
  await office.add('a');
  const { lease } = (await office.claim({ lease_seconds: 5 })) ?? {};
  office.pass(5);
  expect((await office.worker('a/complete', { lease })).json.code).toBe('lease-lost');
});

test('a failed try waits twice as long each time, and the last one fails the task', async () => {
  await using office = await Office.open();
  await office.add('a', { retry_seconds: 10, max_retries: 2 });
  for (const [retry, waitSeconds] of [10, 20].entries()) {
    const { lease } = (await office.claim()) ?? {};
    const failed = await office.worker('a/fail', { lease, error: `try ${retry}` });
    expect(failed.json.status).toBe('waiting');
    expect((await office.worker('a/fail', { lease, error: 'said twice' })).json).toEqual(failed.json);
    office.pass(waitSeconds - 1);
    expect(await office.claim()).toBeNull();
    office.pass(1);
  }
  const { lease } = (await office.claim()) ?? {};
  expect((await office.worker('a/fail', { lease, error: 'try 2' })).json.status).toBe('failed');
  expect(await office.task('a')).toMatchObject({ status: 'failed', retries: 3, error: 'try 2' });
});

test('a worker that says trying again cannot help fails the task at once', async () => {
  await using office = await Office.open();
  await office.add('a');
  const { lease } = (await office.claim()) ?? {};
  expect((await office.worker('a/fail', { lease, error: 'no such file', retry: false })).json.status).toBe('failed');
});

test('a task given back is there for the next worker, untried', async () => {
  await using office = await Office.open();
  await office.add('a');
  const { lease } = (await office.claim()) ?? {};
  expect((await office.worker('a/release', { lease })).json.status).toBe('pending');
  expect(await office.claim()).toMatchObject({ id: 'a', retries: 0 });
});

test('a task waits for those it needs, and fails with one that fails', async () => {
  await using office = await Office.open();
  await office.add('first', { priority: 1, max_retries: 0 });
  await office.add('second', { priority: 9, dependencies: ['first'] });
  await office.add('third', { priority: 10, dependencies: ['second'] });
  const first = await office.claim();
  expect(first?.id).toBe('first');
  expect(await office.claim()).toBeNull();
  await office.worker('first/complete', { lease: first?.lease });
  const second = await office.claim();
  expect(second?.id).toBe('second');
  await office.worker('second/fail', { lease: second?.lease, error: 'broken', retry: false });
  expect(await office.task('third')).toMatchObject({ status: 'failed', error: expect.stringContaining('"second"') });
});

test('a task that needs one that is made later is looked at again by itself', async () => {
  await using office = await Office.open();
  await office.add('late', { dependencies: ['missing'] });
  expect(await office.claim()).toBeNull();
  await office.add('missing', { status: 'completed' });
  office.pass(60);
  expect(await office.claim()).toMatchObject({ id: 'late' });
});

test('a task is not claimed before it is due', async () => {
  await using office = await Office.open();
  await office.add('later', { due_at: new Date(START_MS + 3_600_000).toISOString() });
  expect(await office.claim()).toBeNull();
  office.pass(3600);
  expect(await office.claim()).toMatchObject({ id: 'later' });
});

test('a task that needs another waits for its own time all the same', async () => {
  await using office = await Office.open();
  await office.add('first');
  await office.add('later', { dependencies: ['first'], due_at: new Date(START_MS + 3_600_000).toISOString() });
  const first = await office.claim();
  expect(await office.claim()).toBeNull();
  expect(await office.task('later')).toMatchObject({ status: 'waiting', waits_for: 'time' });
  await office.worker('first/complete', { lease: first?.lease });
  expect(await office.claim()).toBeNull();
  office.pass(3600);
  expect(await office.claim()).toMatchObject({ id: 'later' });
});

test('a long row of tasks fails with its first, however long it takes to be told', async () => {
  await using office = await Office.open();
  await office.add('t-0', { priority: 10 });
  for (let task = 1; task <= 150; task += 1) await office.add(`t-${task}`, { dependencies: [`t-${task - 1}`] });
  const { lease } = (await office.claim()) ?? {};
  await office.worker('t-0/fail', { lease, error: 'broken', retry: false });
  expect(await office.task('t-90')).toMatchObject({ status: 'failed' });
  for (let round = 0; round < 2; round += 1) expect(await office.claim()).toBeNull();
  expect(await office.task('t-150')).toMatchObject({ status: 'failed', error: expect.stringContaining('"t-149"') });
});

test('its agent takes a task back by cancelling it', async () => {
  await using office = await Office.open();
  await office.add('a');
  const { lease } = (await office.claim()) ?? {};
  await office.daemon.call('PATCH /v1/records/tasks/a', {
    token: office.tokens.commander,
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { status: 'cancelled' },
  });
  expect((await office.worker('a/heartbeat', { lease })).json.code).toBe('lease-lost');
  expect(await office.claim()).toBeNull();
});

test('a claim that is repeated under its key gives the same task', async () => {
  await using office = await Office.open();
  await office.add('a');
  await office.add('b');
  const claim = (): Promise<TestReply> =>
    office.daemon.call('POST /v1/claims', {
      token: office.tokens.worker,
      headers: { 'idempotency-key': 'k-1' },
      body: { from: 'commander' },
    });
  const [first, second] = [await claim(), await claim()];
  expect(second.json).toEqual(first.json);
  expect(await office.claim()).toMatchObject({ id: 'b' });
});

test('what is not said rightly is refused with its place', async () => {
  await using office = await Office.open();
  await office.add('a');
  const refused = async (call: string, body: object): Promise<string> => {
    const { status, json } = await office.worker(call, body);
    expect(status).toBe(422);
    return json.issues[0].path as string;
  };
  expect(await refused('claim', { lease_seconds: 1 })).toBe('body.lease_seconds');
  expect(await refused('claim', { types: [] })).toBe('body.types');
  expect(await refused('claim', { from: 'No Body' })).toBe('body.from');
  expect(await refused('a/complete', {})).toBe('body.lease');
  expect((await office.worker('claim', { from: 'nobody' })).json.code).toBe('agent-not-found');
  expect((await office.worker('none/complete', { lease: crypto.randomUUID() })).json.code).toBe('record-not-found');
  expect((await office.worker('a/complete', { lease: crypto.randomUUID() })).json.code).toBe('lease-lost');
});

test('a claim that waits is given a task as soon as there is one for it, and nothing once its time is over', async () => {
  await using office = await Office.open();
  expect(await office.claim({ wait_seconds: 0.05 })).toBeNull();
  const others = office.claim({ wait_seconds: 25, types: ['report'] });
  const waiting = office.claim({ wait_seconds: 25 });
  await office.add('a');
  expect(await waiting).toMatchObject({ id: 'a' });
  await office.add('b', { type: 'report' });
  expect(await others).toMatchObject({ id: 'b' });
  const { status } = await office.worker('claim', { wait_seconds: 26 });
  expect(status).toBe(422);
});

test('a claim that waits is given what comes due: a retry, and a task whose worker is silent', async () => {
  await using office = await Office.open();
  await office.add('a', { retry_seconds: 60 });
  const { id, lease } = (await office.claim()) ?? { id: '', lease: '' };
  await office.worker(`${id}/fail`, { lease, error: 'not yet' });
  const retried = office.claim({ wait_seconds: 25 });
  office.pass(61);
  expect(await retried).toMatchObject({ id: 'a' });
  const taken = office.claim({ wait_seconds: 25 });
  office.pass(61);
  expect(await taken).toMatchObject({ id: 'a' });
}, 20_000);

test('claims that wait together are given different tasks, each as one comes', async () => {
  await using office = await Office.open();
  const claims = [1, 2, 3].map(() => office.claim({ wait_seconds: 25 }));
  await office.add('a');
  await Promise.race(claims);
  await office.add('b');
  await office.add('c');
  expect(new Set((await Promise.all(claims)).map((task) => task?.id))).toEqual(new Set(['a', 'b', 'c']));
});

test('a wait that is ended and asked about again under its key gives the task it was given', async () => {
  await using office = await Office.open();
  const { daemon, tokens } = office;
  const ask = (wish: object) =>
    daemon.call('POST /v1/claims', {
      token: tokens.worker,
      headers: { 'idempotency-key': 'k' },
      body: { from: 'commander', ...wish },
    });
  const waiting = ask({ wait_seconds: 25 });
  await office.add('a');
  const { task } = (await waiting).json;
  expect(task).toMatchObject({ id: 'a' });
  expect((await ask({})).json).toEqual({ task });
});
