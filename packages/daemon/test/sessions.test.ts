import { hash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';

import type { Json, Session } from '@holdfast/protocol';
import { FakeClock, temporaryDirectory } from '@holdfast/testkit';
import { pino } from 'pino';
import { expect, test } from 'vitest';

import { TestDaemon, type TestReply } from './support/test-daemon.ts';

type Made = Session & { readonly key: string };

/** A daemon with the agent `portal`, under a clock that the test moves. */
class Portal implements AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly token: string;
  readonly clock: FakeClock;

  private constructor(daemon: TestDaemon, token: string, clock: FakeClock) {
    this.daemon = daemon;
    this.token = token;
    this.clock = clock;
  }

  static async open(): Promise<Portal> {
    const clock = new FakeClock();
    const daemon = await TestDaemon.start({ now: clock.now });
    return new Portal(daemon, await daemon.agent('portal'), clock);
  }

  pass(seconds: number): void {
    this.clock.advance(seconds * 1000);
  }

  call(call: string, body: object, token: string = this.token): Promise<TestReply> {
    return this.daemon.call(`POST /v1/sessions${call}`, { token, body });
  }

  async create(session: object = {}): Promise<Made> {
    const { status, json } = await this.call('', { user: 'ada', ...session });
    expect(status).toBe(201);
    return json as Made;
  }

  /** The status of a check. */
  async check(key: string): Promise<number> {
    return (await this.call('/check', { key })).status;
  }

  /** How many changes the agent's file has had. */
  async changes(): Promise<number> {
    return (await this.daemon.call('GET /v1/status', { token: this.token })).json.seq as number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
  }
}

test('a session is found by its key, with all that was said of it', async () => {
  await using portal = await Portal.open();
  const said = { user: 'ada', data: { cart: ['x', { n: 1 }] }, address: '192.0.2.7', user_agent: 'curl/8' };
  const { key, ...session } = await portal.create(said);
  expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/);
  const startMs = portal.clock.now();
  expect(session).toEqual({
    ...said,
    id: hash('sha256', key, 'hex'),
    kind: 'sliding',
    lifetime_seconds: 3600,
    started_at: new Date(startMs).toISOString(),
    expires_at: new Date(startMs + 3_600_000).toISOString(),
  });
  expect((await portal.call('/check', { key })).json).toEqual(session);
  const bare = await portal.create();
  expect(bare).toMatchObject({ data: {}, address: null, user_agent: null });
  expect(bare.key).not.toBe(key);
});

test('a sliding session ends its lifetime after the last check, a fixed one after it began', async () => {
  await using portal = await Portal.open();
  const { key } = await portal.create({ lifetime_seconds: 100 });
  const { key: fixed } = await portal.create({ lifetime_seconds: 100, kind: 'fixed' });
  portal.pass(60);
  expect([await portal.check(key), await portal.check(fixed)]).toEqual([200, 200]);
  portal.pass(39.999);
  expect(await portal.check(fixed)).toBe(200);
  portal.pass(0.001);
  expect([await portal.check(key), await portal.check(fixed)]).toEqual([200, 404]);
  portal.pass(100);
  const { status, json } = await portal.call('/check', { key });
  expect([status, json.code]).toEqual([404, 'session-not-found']);
});

test('a check writes only once a tenth of the lifetime has passed, and so leaves nine tenths at least', async () => {
  await using portal = await Portal.open();
  const { key, expires_at: firstEnd } = await portal.create({ lifetime_seconds: 1000 });
  const before = await portal.changes();
  portal.pass(99);
  expect((await portal.call('/check', { key })).json.expires_at).toBe(firstEnd);
  expect(await portal.changes()).toBe(before);
  portal.pass(1);
  const { json } = await portal.call('/check', { key });
  expect(Date.parse(json.expires_at as string)).toBe(portal.clock.now() + 1_000_000);
  for (let check = 0; check < 20; check += 1) await portal.check(key);
  expect(await portal.changes()).toBe(before + 1);
});

test('many checks at once extend a session once', async () => {
  await using portal = await Portal.open();
  const { key } = await portal.create({ lifetime_seconds: 100 });
  portal.pass(50);
  const before = await portal.changes();
  const replies = await Promise.all(Array.from({ length: 50 }, () => portal.call('/check', { key })));
  expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
  expect(await portal.changes()).toBe(before + 1);
});

test("a session's data is changed by a merge patch, also by many at once, and that makes it last", async () => {
  await using portal = await Portal.open();
  const { key } = await portal.create({ data: { a: 1, b: { c: 2, d: 3 } }, lifetime_seconds: 100 });
  portal.pass(50);
  const changed = await portal.call('/change', { key, data: { a: null, b: { c: 4 } } });
  expect(changed.json).toMatchObject({ data: { b: { c: 4, d: 3 } } });
  expect(Date.parse(changed.json.expires_at as string)).toBe(portal.clock.now() + 100_000);
  const patches = Array.from({ length: 30 }, (_, n) => portal.call('/change', { key, data: { [`k${n}`]: n } }));
  await Promise.all(patches);
  const { json } = await portal.call('/check', { key });
  expect(Object.keys(json.data as object)).toHaveLength(31);
  portal.pass(100);
  expect((await portal.call('/change', { key, data: {} })).json.code).toBe('session-not-found');
});

test('one session is revoked by its key or its id, and is gone at once', async () => {
  await using portal = await Portal.open();
  const [one, two, three] = [await portal.create(), await portal.create(), await portal.create()];
  expect((await portal.call('/revoke', { key: one.key })).json).toEqual({ revoked: 1 });
  expect((await portal.call('/revoke', { id: two.id })).json).toEqual({ revoked: 1 });
  expect((await portal.call('/revoke', { key: one.key })).json).toEqual({ revoked: 0 });
  const checks = await Promise.all([one, two, three].map(({ key }) => portal.check(key)));
  expect(checks).toEqual([404, 404, 200]);
  expect((await portal.call('/change', { key: one.key, data: {} })).status).toBe(404);
});

test('all sessions of a user are revoked in one call, however many, and those of others stay', async () => {
  await using portal = await Portal.open();
  const made = await Promise.all(Array.from({ length: 1005 }, () => portal.create()));
  const other = await portal.create({ user: 'ben' });
  expect((await portal.call('/revoke', { user: 'ada' })).json).toEqual({ revoked: 1005 });
  expect((await portal.call('/revoke', { user: 'ada' })).json).toEqual({ revoked: 0 });
  expect(await portal.check(made.at(-1)?.key ?? '')).toBe(404);
  expect(await portal.check(other.key)).toBe(200);
});

test('all sessions of a user are revoked, also where they hold more than one answer to a query does', async () => {
  await using portal = await Portal.open();
  const data = { text: 'x'.repeat(900_000) };
  for (let made = 0; made < 12; made += 1) await portal.create({ data });
  expect((await portal.call('/revoke', { user: 'ada' })).json).toEqual({ revoked: 12 });
  const listed = await portal.daemon.call('GET /v1/sessions?user=ada', { token: portal.token });
  expect(listed.json).toMatchObject({ sessions: [] });
});

test("a user's sessions are listed by their ids, the oldest first, without any key", async () => {
  await using portal = await Portal.open();
  const made: Made[] = [];
  for (const user of ['ada', 'ben', 'ada', 'ada']) {
    made.push(await portal.create({ user, lifetime_seconds: 100 }));
    portal.pass(30);
  }
  const list = async (query: string): Promise<{ sessions: Session[]; next: string | null; text: string }> => {
    const { json, text } = await portal.daemon.call(`GET /v1/sessions?${query}`, { token: portal.token });
    return { ...(json as { sessions: Session[]; next: string | null }), text };
  };
  const first = await list('user=ada&limit=1');
  expect(first.sessions.map(({ id }) => id)).toEqual([made[2]?.id]);
  const rest = await list(`user=ada&after=${encodeURIComponent(first.next ?? '')}`);
  expect(rest.sessions.map(({ id }) => id)).toEqual([made[3]?.id]);
  for (const { key } of made) expect(first.text + rest.text).not.toContain(key);
});

test('sessions of an agent and of a resource are nothing to others', async () => {
  await using portal = await Portal.open();
  const { key, id } = await portal.create();
  const strangers = [await portal.daemon.agent('other'), await portal.daemon.boundToken('portal', 'app:one')];
  for (const stranger of strangers) {
    expect((await portal.call('/check', { key }, stranger)).status).toBe(404);
    expect((await portal.call('/change', { key, data: { a: 1 } }, stranger)).status).toBe(404);
    for (const which of [{ key }, { id }, { user: 'ada' }])
      expect((await portal.call('/revoke', which, stranger)).json).toEqual({ revoked: 0 });
    const listed = await portal.daemon.call('GET /v1/sessions?user=ada', { token: stranger });
    expect(listed.json.sessions).toEqual([]);
  }
  expect(await portal.check(key)).toBe(200);
});

test('who has the id of a session, as it is stored, cannot use it as a key', async () => {
  await using portal = await Portal.open();
  const { id } = await portal.create();
  const asKey = Buffer.from(id, 'hex').toString('base64url');
  expect(await portal.check(asKey)).toBe(404);
  expect(await portal.check(id)).toBe(422);
});

test('a key stands in no file and no line of the log', async () => {
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  await using home = await temporaryDirectory();
  const directory = home.file('node');
  const daemon = await TestDaemon.start({ directory, log: pino({ level: 'trace' }, sink) });
  const token = await daemon.agent('portal');
  const call = (path: string, body: Json): Promise<TestReply> =>
    daemon.call(`POST /v1/sessions${path}`, { token, body });
  const { key, id } = (await call('', { user: 'ada', data: { secret: 'kept' } })).json as Made;
  await call('/check', { key });
  await call('/change', { key, data: { more: true } });
  for (const wrong of [{ key, more: 1 }, { key: `${key}x` }, { key, id }]) {
    expect((await call('/revoke', wrong)).text).not.toContain(key);
  }
  await call('/revoke', { key });
  await call('/check', { key });
  await daemon.stop();
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => join(directory, name));
  const stored = files.filter((file) => statSync(file).isFile()).map((file) => readFileSync(file, 'latin1'));
  expect(stored.some((text) => text.includes(id))).toBe(true);
  expect([...stored, ...lines].filter((text) => text.includes(key))).toEqual([]);
  expect(lines.length).toBeGreaterThan(0);
});

test('sessions outlive a restart, and are checked also while the disk has no room to extend them', async () => {
  await using home = await temporaryDirectory();
  const clock = new FakeClock();
  const options = { directory: home.file('node'), now: clock.now };
  const first = await TestDaemon.start(options);
  const token = await first.agent('portal');
  const made = await first.call('POST /v1/sessions', { token, body: { user: 'ada', lifetime_seconds: 100 } });
  await first.stop();
  clock.advance(50_000);
  await using full = await TestDaemon.start({ ...options, config: { 'disk.reserveMegabytes': 1_000_000_000 } });
  const { key, expires_at: end } = made.json as Made;
  const checked = await full.call('POST /v1/sessions/check', { token, body: { key } });
  expect([checked.status, checked.json.expires_at]).toEqual([200, end]);
  const changed = await full.call('POST /v1/sessions/change', { token, body: { key, data: {} } });
  expect([changed.status, changed.json.code]).toEqual([507, 'disk-full']);
});

test('what cannot be a session is refused', async () => {
  await using portal = await Portal.open();
  const wrong = [{ user: '' }, { data: [] }, { kind: 'eternal' }, { lifetime_seconds: 0 }, { key: 'x'.repeat(43) }];
  for (const each of wrong) expect((await portal.call('', { user: 'ada', ...each })).status).toBe(422);
  for (const each of [{}, { user: 'ada', id: 'a'.repeat(64) }])
    expect((await portal.call('/revoke', each)).status).toBe(422);
  const times = { started_at: '2026-11-20T10:54:56.123Z', extended_at: '2026-11-20T10:54:56.123Z' };
  const body = { user: 'ada', ...times, lifetime_seconds: 9e14 };
  const { daemon, token } = portal;
  expect((await daemon.call(`PUT /v1/records/sessions/${'a'.repeat(64)}`, { token, body })).status).toBe(422);
});
