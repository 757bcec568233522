import { closeSync, existsSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';

import type { FeedChange, FeedPage, FeedRights, Json, NetworkQuery, SubscriptionScope } from '@holdfast/protocol';
import { type Database, openDatabase } from '@holdfast/sqlite';
import { recordHash } from '@holdfast/store';
import { temporaryDirectory, type TemporaryDirectory } from '@holdfast/testkit';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ReplicaFile } from '../src/storage/replica/replica-file.ts';
import { ReplicaSink } from '../src/sync/replica-sink.ts';

const NOW_MS = 1_800_000_000_000;
const [EPOCH, LATER_EPOCH] = ['a'.repeat(32), 'b'.repeat(32)];
const PEOPLE: SubscriptionScope = { collections: ['candidates'] };
const RIGHTS: FeedRights = { mark: '1'.repeat(16), collections: ['candidates', 'leads'] };

interface Parts {
  readonly id: string;
  readonly doc?: Json;
  /** Counts versions. Default 1. */
  readonly age?: number;
  readonly collection?: string;
  readonly resource?: string;
  readonly node?: string;
  readonly agent?: string;
  readonly expiresAtMs?: number;
  readonly isRotten?: boolean;
}

function change({ id, doc, age = 1, isRotten, ...parts }: Parts): FeedChange {
  const { collection = 'candidates', resource = '', node = 'laptop', agent = 'sourcer', expiresAtMs = null } = parts;
  const text = doc === undefined ? null : JSON.stringify(doc);
  const content = {
    resource,
    collection,
    id,
    version: `0190000000${String(age).padStart(2, '0')}-0000-00000000`,
    createdAtMs: 1,
    updatedAtMs: age,
    expiresAtMs,
    deleted: text === null,
  };
  const hash = isRotten ? 'f'.repeat(32) : recordHash({ ...content, doc: text });
  return { ...content, seq: age, hash, doc: doc ?? null, node, agent };
}

function page(changes: readonly Parts[], position: number, more: Partial<FeedPage> = {}): FeedPage {
  const cursor = `${EPOCH}.${position}`;
  return { changes: changes.map(change), cursor, more: false, stream: null, rights: RIGHTS, ...more };
}

let place: TemporaryDirectory;
let file: ReplicaFile;
let path: string;
let logged: string[];

const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) });

beforeEach(async () => {
  place = await temporaryDirectory();
  path = place.file('replica.db');
  logged = [];
  file = new ReplicaFile({ path, log });
  want({ people: PEOPLE });
});
afterEach(async () => {
  await file.endQueries();
  file.close();
  await place[Symbol.asyncDispose]();
});

function want(scopes: Readonly<Record<string, SubscriptionScope>>): void {
  file.want(new Map(Object.entries(scopes)));
  while (file.tryUse((tables) => tables.prune()) === true);
}

function take(taken: FeedPage, name = 'people', scope = PEOPLE): boolean {
  const isKept = file.use((tables) => tables.take(name, taken, NOW_MS));
  if (isKept && !taken.more) while (file.use((tables) => tables.finish(name, scope, NOW_MS)));
  return isKept;
}

async function ids(query: NetworkQuery = {}, agent: string | null = null): Promise<string[]> {
  const answer = await file.query(query, { nowMs: NOW_MS, agent });
  return 'records' in answer ? answer.records.map(({ id }) => id) : [];
}

/** Leaves the file, so that something may happen to it, and comes back. */
async function reopen(meanwhile: () => void = () => undefined): Promise<void> {
  await file.endQueries();
  file.close();
  meanwhile();
  file = new ReplicaFile({ path, log });
  file.want(new Map([['people', PEOPLE]]));
}

const reading = (name = 'people') => file.use((tables) => tables.reading(name));

describe('what came by a subscription', () => {
  test('is there with its cursor after the file was opened anew, and is what the relay has', async () => {
    take(
      page(
        [
          { id: 'a', doc: { n: 1 } },
          { id: 'b', doc: 1 },
        ],
        2,
        { more: true },
      ),
    );
    expect(reading().caughtUpMs).toBeNull();
    take(page([{ id: 'a', doc: { n: 2 }, age: 2 }, { id: 'b', age: 2 }, { id: 'c' }], 5));
    await reopen();
    expect(reading()).toEqual({ cursor: `${EPOCH}.5`, rights: RIGHTS.mark, startedOverAt: null, caughtUpMs: NOW_MS });
    const answer = await file.query({ collection: 'candidates' }, { nowMs: NOW_MS, agent: null });
    expect(answer).toMatchObject({ records: [{ id: 'a', doc: { n: 2 }, node: 'laptop', agent: 'sourcer' }] });
    expect(file.use((tables) => [tables.records, tables.countOf(PEOPLE)])).toEqual([1, 1]);
  });

  test('is not there once it expired, and what is older, rotten or shared by all leaves what is there as it is', async () => {
    const expiresAtMs = NOW_MS + 1000;
    take(
      page(
        [
          { id: 'a', doc: 1, age: 2 },
          { id: 'e', doc: 1, expiresAtMs },
        ],
        1,
      ),
    );
    const older = [
      { id: 'a', doc: 0 },
      { id: 'a', doc: 9, age: 3, isRotten: true },
    ];
    take(page([...older, { id: 's', doc: 1, agent: 'shared' }, { id: 'x', doc: 1, expiresAtMs: NOW_MS }], 2));
    expect(await ids()).toEqual(['a', 'e']);
    const later = { nowMs: expiresAtMs, agent: null };
    expect(await file.query({}, later)).toMatchObject({ records: [{ id: 'a', doc: 1 }] });
    file.use((tables) => tables.sweep(expiresAtMs));
    expect(file.use(({ records }) => records)).toBe(1);
  });

  test('is queried by the fields that its agents declare, who declare them also later; declarations are not in the way', async () => {
    const fields = { city: { type: 'text' }, tags: { type: 'list', of: { type: 'text' } } };
    const doc = { fields, indexes: [['tags']], search: ['city'] };
    const scope = { collections: ['leads'], resources: ['app:1'] };
    want({ leads: scope });
    const record = { id: 'l', collection: 'leads', resource: 'app:1', doc: { city: 'Rome', tags: ['x'] } };
    take(page([record], 1), 'leads', scope);
    const tagged: NetworkQuery = { collection: 'leads', where: { tags: { hasAll: ['x'] } } };
    expect(await ids(tagged)).toEqual(['l']);
    const found: NetworkQuery = { collection: 'leads', search: 'rome' };
    await expect(ids(found)).rejects.toThrow('declares no field to search');
    take(page([{ id: 'leads', collection: 'collections', doc }], 2), 'leads', scope);
    expect(await ids(tagged)).toEqual(['l']);
    expect(await ids(found)).toEqual(['l']);
    const explained = await file.query({ ...tagged, explain: true }, { nowMs: NOW_MS, agent: null });
    expect(explained).toMatchObject({ plan: { indexes: expect.arrayContaining(['members']) } });
    expect(await ids()).toEqual(['l']);
    expect(file.use(({ records }) => records)).toBe(2);
  });

  test('goes with the subscription, but what another one covers stays', async () => {
    const notes: SubscriptionScope = { collections: ['candidates', 'notes'], nodes: ['laptop'] };
    want({ people: PEOPLE, notes });
    take(
      page(
        [
          { id: 'a', doc: 1 },
          { id: 'b', doc: 1, node: 'phone' },
        ],
        2,
      ),
    );
    take(page([{ id: 'n', doc: 1, collection: 'notes' }], 2), 'notes', notes);
    want({ notes });
    expect(await ids()).toEqual(['a', 'n']);
    want({ notes: { collections: ['notes'] } });
    expect(await ids()).toEqual(['n']);
    expect(reading('notes').cursor).toBeNull();
    want({});
    expect(existsSync(path)).toBe(false);
    await expect(ids()).rejects.toMatchObject({ code: 'not-subscribed' });
  });
});

test('what a subscription that got another scope finds there is removed at its end if the relay has it no more', async () => {
  take(
    page(
      [
        { id: 'a', doc: 1, age: 5 },
        { id: 'b', doc: 1 },
      ],
      2,
    ),
  );
  const laptop: SubscriptionScope = { collections: ['candidates'], nodes: ['laptop'] };
  want({ people: laptop });
  expect([reading().cursor, await ids()]).toEqual([null, ['a', 'b']]);
  take(page([{ id: 'a', doc: 0, age: 2 }], 1, { cursor: `${LATER_EPOCH}.1` }), 'people', laptop);
  expect(await file.query({}, { nowMs: NOW_MS, agent: null })).toMatchObject({ records: [{ id: 'a', doc: 0 }] });
});

describe('reading from the beginning again', () => {
  beforeEach(() => {
    take(
      page(
        [
          { id: 'a', doc: 1, age: 5 },
          { id: 'b', doc: 1 },
          { id: 'r', doc: 1 },
        ],
        3,
      ),
    );
    file.use((tables) => tables.startOver('people'));
  });

  test('leaves readable what is there, takes what the relay has, and at its end removes what did not come', async () => {
    expect([reading().cursor, await ids()]).toEqual([null, ['a', 'b', 'r']]);
    const cursor = `${LATER_EPOCH}.1`;
    take(page([{ id: 'a', doc: 0, age: 2 }], 1, { more: true, cursor }));
    take(page([{ id: 'r', doc: 9, isRotten: true }], 1, { more: true, cursor }));
    expect(await ids()).toEqual(['a', 'b', 'r']);
    expect(reading().caughtUpMs).toBe(NOW_MS);
    take(page([], 2, { cursor: `${LATER_EPOCH}.2` }));
    expect(await ids()).toEqual(['a', 'r']);
    expect(await file.query({}, { nowMs: NOW_MS, agent: null })).toMatchObject({
      records: [{ doc: 0 }, { doc: 1 }],
    });
    expect(reading()).toMatchObject({ startedOverAt: null, cursor: `${LATER_EPOCH}.2` });
  });

  test('removes nothing that another subscription brought meanwhile, or that is of another one alone', async () => {
    want({ people: PEOPLE, all: { collections: ['candidates', 'notes'] } });
    take(
      page(
        [
          { id: 'c', doc: 1 },
          { id: 'n', doc: 1, collection: 'notes' },
        ],
        3,
      ),
      'all',
    );
    take(page([{ id: 'a', doc: 1, age: 5 }], 3));
    expect(await ids()).toEqual(['a', 'c', 'n']);
  });

  test('goes on after the file was opened anew, and may begin once more', async () => {
    take(page([{ id: 'b', doc: 1 }], 1, { more: true }));
    await reopen();
    expect(reading().startedOverAt).not.toBeNull();
    file.use((tables) => tables.startOver('people'));
    take(page([{ id: 'a', doc: 1, age: 5 }], 2));
    expect(await ids()).toEqual(['a']);
  });
});

describe('what the node may read at the relay', () => {
  test('if it changes, the page is not kept, and all is read from the beginning by the new rights', async () => {
    take(
      page(
        [
          { id: 'a', doc: 1 },
          { id: 'b', doc: 1 },
        ],
        2,
      ),
    );
    const rights = { mark: '2'.repeat(16), collections: [] };
    expect(take(page([{ id: 'c', doc: 1 }], 3, { rights }))).toBe(false);
    expect([reading().cursor, reading().rights, await ids()]).toEqual([null, null, ['a', 'b']]);
    expect(take(page([{ id: 'a', doc: 1 }], 3, { rights }))).toBe(true);
    expect(await ids()).toEqual(['a']);
  });

  test('says what an agent reads of others, at once when it is less', async () => {
    const scope = { collections: ['candidates', 'notes'] };
    want({ people: scope });
    const own = { id: 'own', doc: 1, node: 'phone', agent: 'screening', collection: 'notes' };
    take(page([{ id: 'a', doc: 1 }, own, { id: 'n', doc: 1, collection: 'notes' }], 2));
    expect(await ids({}, 'screening')).toEqual(['a', 'own']);
    expect(await ids({ collection: 'notes' }, 'sourcer')).toEqual(['n']);
    take(page([], 3, { rights: { mark: '2'.repeat(16), collections: [] } }), 'people', scope);
    expect(await ids({}, 'screening')).toEqual(['own']);
    const all = page([{ id: 'a', doc: 1 }], 3, { rights: { mark: '3'.repeat(16), collections: ['*'] } });
    take(all, 'people', scope);
    expect(await ids({}, 'screening')).toEqual(['a']);
  });
});

test('a page that was asked for before the file was made anew is not kept: it would leave out what came before it', async () => {
  const sink = new ReplicaSink({
    name: 'people',
    scope: PEOPLE,
    file,
    assertRoom: () => undefined,
    now: () => NOW_MS,
    log,
  });
  expect(sink.next()).toEqual({ part: { ...PEOPLE, declarations: true }, after: undefined, isStartingOver: false });
  await sink.take(page([{ id: 'a', doc: 1 }], 1, { more: true }));
  expect(sink.next().after).toBe(`${EPOCH}.1`);
  want({});
  want({ people: PEOPLE });
  await sink.take(page([{ id: 'b', doc: 1 }], 2));
  expect([await ids(), reading().cursor]).toEqual([[], null]);
  expect(sink.next().after).toBeUndefined();
  await sink.take(
    page(
      [
        { id: 'a', doc: 1 },
        { id: 'b', doc: 1 },
      ],
      2,
    ),
  );
  expect(await ids()).toEqual(['a', 'b']);
});

describe('a file that cannot be used', () => {
  beforeEach(() => take(page([{ id: 'a', doc: 1 }], 1)));

  const expectAnew = async (reason: string, meanwhile: () => void): Promise<void> => {
    await reopen(meanwhile);
    expect([await ids(), reading().cursor]).toEqual([[], null]);
    expect(logged.map((line) => (JSON.parse(line) as { reason: string }).reason)).toEqual([reason]);
    take(page([{ id: 'a', doc: 1 }], 1));
    expect(await ids()).toEqual(['a']);
  };
  const changed = (change: (database: Database) => void): void => {
    const database = openDatabase(path);
    change(database);
    database.close();
  };

  test('because it is damaged is made anew, with one line in the log', () =>
    expectAnew('damaged', () => {
      truncateSync(path, 0);
      writeFileSync(path, Buffer.alloc(8192, 0x5a));
    }));

  test('because a page of it is damaged is made anew when that is met', () =>
    expectAnew('damaged', () => {
      let root = 0;
      changed((database) => {
        const found = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'records_key'").pluck().get();
        root = found as number;
      });
      const handle = openSync(path, 'r+');
      writeSync(handle, Buffer.alloc(4096, 0xa5), 0, 4096, (root - 1) * 4096);
      closeSync(handle);
    }));

  test('because its schema is newer is made anew', () =>
    expectAnew('schema-newer', () => changed((database) => database.pragma('user_version = 99'))));

  test('because there is something else in it is made anew', () =>
    expectAnew('damaged', () => changed((database) => database.exec('DROP TABLE records'))));
});
