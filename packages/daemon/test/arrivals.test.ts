import { type FeedChange, type FeedPage, HoldfastError, HybridClock, limits, startOfBoot } from '@holdfast/protocol';
import { AgentStore } from '@holdfast/store';
import { type TemporaryDirectory, temporaryDirectory } from '@holdfast/testkit';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { Arrivals } from '../src/service/commander/arrivals.ts';
import type { Arrival } from '../src/storage/arrival-notes.ts';
import { NodeDatabase } from '../src/storage/node-database.ts';
import { ManualTimers } from './support/manual-timers.ts';
import { withHash } from './support/model-relay.ts';
import { testConfig } from './support/test-daemon.ts';

const NOW_MS = Date.UTC(2026, 10, 20);
const EPOCH = 'e'.repeat(32);

let home: TemporaryDirectory;
let database: NodeDatabase;
let ada: AgentStore;
let counted: Record<string, number>;
let woken: object[];
let failure: HoldfastError | undefined;
let isSettled: boolean;
let arrivals: Arrivals;

beforeEach(async () => {
  home = await temporaryDirectory();
  database = new NodeDatabase(home.file('node.db'));
  const clock = new HybridClock(() => NOW_MS, startOfBoot('a'.repeat(32)));
  ada = new AgentStore({
    path: home.file('ada.db'),
    clock,
    now: () => NOW_MS,
    commit: testConfig(),
    onCommit: () => undefined,
  });
  [counted, woken, failure, isSettled] = [{}, [], undefined, true];
  arrivals = new Arrivals({
    notes: database.arrivals,
    records: {
      transact: async ({ resource }, run) => {
        if (failure !== undefined) throw failure;
        return ada.transact({ resource, run });
      },
    },
    agents: { has: (name) => name === 'ada' },
    isSettled: () => isSettled,
    onTask: (owner) => woken.push(owner),
    count: (what, letters) => (counted[what] = (counted[what] ?? 0) + letters),
    now: () => NOW_MS,
    timers: new ManualTimers(),
    log: pino({ level: 'silent' }),
  });
});
afterEach(async () => {
  await arrivals.end();
  ada.close();
  database.close();
  await home[Symbol.asyncDispose]();
});

function change(id: string, doc: unknown, more: Partial<FeedChange> = {}): FeedChange {
  const times = { createdAtMs: 1, updatedAtMs: 1, expiresAtMs: NOW_MS + 1 };
  const key = { resource: '', collection: 'letters', id, version: '000000000001-0000-00000001', seq: 1, hash: '' };
  const { node = 'office', agent = 'commander', ...rest } = more;
  return { ...withHash({ ...key, ...times, deleted: false, doc, ...rest }), node, agent };
}

const letter = (id: string, more: object = {}, to = 'ada@laptop'): FeedChange =>
  change(id, { to, body: id, sent_at: '2026-11-20T10:54:56.123Z', ...more });

/** Has a page come, as the follower does. */
async function come(changes: readonly FeedChange[], position: number): Promise<void> {
  arrivals.next();
  const page: FeedPage = {
    changes: [...changes],
    cursor: `${EPOCH}.${position}`,
    more: false,
    stream: null,
    rights: null,
  };
  await arrivals.take(page);
}

const mail = (resource = ''): (string | undefined)[] =>
  ada.list({ resource, collection: 'mail' }, { prefix: '', after: '', limit: 100 }).rows.map(({ id }) => id);
const told = (id: string): unknown => JSON.parse(ada.read('', 'mail', id)?.text ?? 'null');

describe('what other nodes sent', () => {
  test('is put into the mail with the sender that the feed tells, and its place is noted behind it', async () => {
    await come([letter('a', { from: 'somebody@else' })], 1);
    expect(told('a')).toMatchObject({ from: 'commander@office', to: 'ada', body: 'a', status: 'unread' });
    expect(arrivals.next().after).toBe(`${EPOCH}.1`);
    expect(counted).toEqual({ arrived: 1 });
  });

  test('is not noted as read while a file cannot take it, and comes once all the same', async () => {
    failure = new HoldfastError('disk-full', 'no room');
    await expect(come([letter('a')], 1)).rejects.toBe(failure);
    expect([arrivals.next().after, arrivals.held]).toEqual([undefined, 0]);
    failure = undefined;
    await come([letter('a')], 1);
    await come([letter('a'), letter('b')], 2);
    expect([mail(), counted]).toEqual([['a', 'b'], { arrived: 2 }]);
  });

  test('and is no letter that anybody can be given is left out, with its neighbours delivered', async () => {
    const large = 'x'.repeat(limits.recordBytes - 60);
    const none = [change('n', null), change('o', { to: 'no name@laptop' }), letter('s', {}, 'shared@laptop')];
    const refused = [letter('l', { body: large }), letter('t', { sent_at: 'yesterday' })];
    const rotten = { ...letter('r'), doc: letter('other').doc };
    await come([letter('a'), ...none, ...refused, rotten, letter('b')], 1);
    expect([mail(), counted]).toEqual([['a', 'b'], { arrived: 2, refused: 6 }]);
    expect(arrivals.next().after).toBe(`${EPOCH}.1`);
  });

  test('stands in its resource', async () => {
    const inside = change('a', letter('a').doc, { resource: 'app:one' });
    await come([inside, letter('b')], 1);
    expect([mail('app:one'), mail()]).toEqual([['a'], ['b']]);
  });

  test('wakes who waits for the tasks of its agent', async () => {
    await come([change('t', {}, { collection: 'tasks', resource: 'app:one' })], 1);
    expect(woken).toEqual([{ node: 'office', agent: 'commander', resource: 'app:one' }]);
  });

  test('is read from the beginning if that was decided while a page was on its way', async () => {
    await come([], 1);
    arrivals.next();
    database.arrivals.startOver();
    await arrivals.take({ changes: [letter('a')], cursor: `${EPOCH}.2`, more: false, stream: null, rights: null });
    expect([mail(), arrivals.next().after]).toEqual([['a'], undefined]);
  });
});

test('how far was read is written down at the end, and at once with what is held', async () => {
  const written = (): string | undefined => {
    const other = new NodeDatabase(home.file('node.db'));
    const { cursor } = other.arrivals;
    other.close();
    return cursor;
  };
  await come([], 1);
  await come([letter('a')], 2);
  expect([arrivals.next().after, written()]).toEqual([`${EPOCH}.2`, `${EPOCH}.1`]);
  await come([letter('b', {}, 'later@laptop')], 3);
  expect(written()).toBe(`${EPOCH}.3`);
  await come([letter('c')], 4);
  await arrivals.end();
  expect(written()).toBe(`${EPOCH}.4`);
});

describe('letters that are held', () => {
  const held = (id: number): Arrival => ({
    agent: 'later',
    resource: '',
    id: String(id),
    sender: 'commander@office',
    letter: '{}',
  });

  test('are so many at most; what was left out is read again when there is room', () => {
    const notes = database.arrivals;
    const all = Array.from({ length: limits.heldLetters + 1 }, (_, index) => held(index));
    notes.note({ cursor: `${EPOCH}.1`, held: all, nowMs: NOW_MS });
    expect([notes.held, notes.cursor]).toEqual([limits.heldLetters, `${EPOCH}.1`]);
    const numbers = notes.heldFor('later', 0, limits.heldLetters).map(({ number }) => number);
    notes.release(numbers.slice(0, 10), NOW_MS);
    expect(notes.cursor).toBe(`${EPOCH}.1`);
    notes.release(numbers, NOW_MS);
    expect([notes.held, notes.cursor]).toEqual([0, undefined]);
    notes.note({ cursor: `${EPOCH}.1`, held: [], nowMs: NOW_MS });
    notes.release([], NOW_MS);
    expect(notes.cursor).toBe(`${EPOCH}.1`);
  });

  test('stay so while the file of their agent may be older than what the relay has of it', async () => {
    isSettled = false;
    await come([letter('a')], 1);
    expect([mail(), arrivals.held]).toEqual([[], 1]);
    isSettled = true;
    const remaining = (): number => {
      arrivals.look();
      return arrivals.held;
    };
    await expect.poll(remaining).toBe(0);
    expect(mail()).toEqual(['a']);
  });

  test('are held for thirty days', () => {
    const notes = database.arrivals;
    notes.note({ cursor: undefined, held: [held(1)], nowMs: NOW_MS });
    notes.release([], NOW_MS + limits.heldLetterSeconds * 1000 - 1);
    expect(notes.held).toBe(1);
    notes.release([], NOW_MS + limits.heldLetterSeconds * 1000);
    expect(notes.held).toBe(0);
  });
});
