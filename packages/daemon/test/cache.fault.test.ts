import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';

import { openDatabase } from '@holdfast/sqlite';
import { eventually, temporaryDirectory } from '@holdfast/testkit';
import { type Logger, pino } from 'pino';
import { describe, expect, test } from 'vitest';

import { CacheDesk } from './support/cache-desk.ts';
import { restore } from './support/keys.ts';

const SECRET = 'the-cached-words';

/** A log that is kept. */
function keptLog(): { readonly lines: string[]; readonly log: Logger } {
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  return { lines, log: pino({ level: 'info' }, sink) };
}

const damages: readonly (readonly [string, (path: string) => void])[] = [
  ['is no database', (path) => writeFileSync(path, 'x'.repeat(10_000))],
  ['ends early', (path) => truncateSync(path, 5000)],
  ['is empty', (path) => truncateSync(path, 0)],
  ['is gone', (path) => rmSync(path)],
  [
    'has rotted in its pages',
    (path) => {
      const bytes = readFileSync(path);
      bytes.fill(0xa5, 4096);
      writeFileSync(path, bytes);
    },
  ],
  [
    'has the schema of another version',
    (path) => {
      const database = openDatabase(path);
      database.pragma('user_version = 99');
      database.close();
    },
  ],
  [
    'has tables of other columns',
    (path) => {
      const database = openDatabase(path);
      database.exec('ALTER TABLE entries RENAME COLUMN text TO words');
      database.close();
    },
  ],
];

describe('a daemon whose file of cached values', () => {
  test.each(damages)('%s starts, serves and caches on the disk again', async (_what, damage) => {
    await using home = await temporaryDirectory();
    const first = await CacheDesk.open({ directory: home.file('node') });
    await first.call('PUT /v1/records/notes/a', { n: 1 });
    for (let number = 0; number < 50; number += 1) await first.put(`k-${number}?tags=t`, SECRET.repeat(50));
    await first.daemon.stop();
    damage(join(home.file('node'), 'cache.db'));
    const { lines, log } = keptLog();
    const second = await first.again({ log });
    expect((await second.call('GET /v1/records/notes/a')).json).toEqual({ n: 1 });
    for (const key of ['k-1', 'new']) {
      const found = await second.value(key);
      expect([undefined, SECRET.repeat(50)]).toContain(found);
    }
    await second.invalidate({ tag: 't' });
    await second.put('new', 'new');
    // What was found only while it was used is made anew at the latest with the next start.
    const third = await second.again({ log });
    await third.put('kept', 'kept');
    await using last = await third.again({ log });
    expect(await last.value('kept')).toBe('kept');
    expect(lines.join('')).not.toContain(SECRET);
  });

  test('cannot be made starts, serves, caches in memory, and says so', async () => {
    await using home = await temporaryDirectory();
    const directory = home.file('node');
    mkdirSync(join(directory, 'cache.db'), { recursive: true, mode: 0o700 });
    const { lines, log } = keptLog();
    await using desk = await CacheDesk.open({ directory, log });
    await desk.put('k?tags=t', 1);
    expect(await desk.value('k')).toBe(1);
    expect(await desk.metric('holdfast_cache_has_file')).toBe(0);
    await desk.invalidate({ tag: 't' });
    expect(await desk.value('k')).toBeUndefined();
    expect(lines.filter((line) => line.includes('cached values cannot be used')).length).toBeGreaterThan(0);
  });

  test('has a value that is not what was put answers it with a miss', async () => {
    await using home = await temporaryDirectory();
    const first = await CacheDesk.open({ directory: home.file('node') });
    await first.put('k', SECRET);
    await first.daemon.stop();
    const path = join(home.file('node'), 'cache.db');
    const bytes = readFileSync(path);
    const at = bytes.indexOf(SECRET);
    expect(at).toBeGreaterThan(0);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    await using second = await first.again();
    expect((await second.get('k')).json.code).toBe('cache-miss');
    await second.put('k', 'anew');
    expect(await second.value('k')).toBe('anew');
  });

  test('is damaged while it is used goes on in memory, and has a file again after a sweep', async () => {
    await using home = await temporaryDirectory();
    const directory = home.file('node');
    await using desk = await CacheDesk.open({ directory, config: { 'expiry.seconds': 1, 'cache.megabytes': 1 } });
    const value = 'x'.repeat(200_000);
    for (let number = 0; number < 20; number += 1) await desk.put(`k-${number}`, value);
    const path = join(directory, 'cache.db');
    for (const file of [path, `${path}-wal`]) {
      const { size } = statSync(file);
      writeFileSync(file, Buffer.alloc(size, 0xa5), { flag: 'r+' });
    }
    const isBackInUse = async (): Promise<void> => {
      for (let number = 0; number < 20; number += 1)
        expect([undefined, value]).toContain(await desk.value(`k-${number}`));
      await desk.put('kept', 1);
      expect(await desk.metric('holdfast_cache_has_file')).toBe(1);
      const fresh = openDatabase(path);
      try {
        expect(fresh.prepare('SELECT count(*) FROM entries').pluck().get()).toBeGreaterThan(0);
      } finally {
        fresh.close();
      }
    };
    await eventually(isBackInUse, { limitMs: 20_000, everyMs: 200 });
  });
});

test('a file that could not be removed when it was to go does not bring back what was invalidated meanwhile', async () => {
  await using home = await temporaryDirectory();
  const directory = home.file('node');
  const first = await CacheDesk.open({ directory });
  await first.put('k?tags=t', 'old');
  await using desk = await first.again({ config: { 'expiry.seconds': 1 } });
  const path = join(directory, 'cache.db');
  const database = openDatabase(path);
  database.exec(`VACUUM INTO '${home.file('old.db')}'`);
  database.exec('DROP TABLE labels');
  database.close();
  // In the place of the file is what cannot be removed, for a while.
  renameSync(path, home.file('broken.db'));
  mkdirSync(path);
  await desk.invalidate({ tag: 't' });
  expect(await desk.metric('holdfast_cache_has_file')).toBe(0);
  rmdirSync(path);
  renameSync(home.file('old.db'), path);
  const isMade = async (): Promise<void> => expect(await desk.metric('holdfast_cache_has_file')).toBe(1);
  await eventually(isMade, { limitMs: 20_000 });
  expect(await desk.value('k')).toBeUndefined();
});

test('without room on the disk values are in memory alone, and what they replace there does not come back', async () => {
  await using home = await temporaryDirectory();
  const first = await CacheDesk.open({ directory: home.file('node') });
  await first.put('k', 'old');
  const full = await first.again({ config: { 'disk.reserveMegabytes': 1_000_000_000 } });
  expect(await full.value('k')).toBe('old');
  expect((await full.put('k', 'new')).status).toBe(204);
  expect(await full.value('k')).toBe('new');
  await using desk = await full.again();
  expect(await desk.value('k')).toBeUndefined();
});

test('what was computed from records is not found any more once their file was restored', async () => {
  await using desk = await CacheDesk.open();
  await desk.call('PUT /v1/records/notes/a', { n: 1 });
  expect((await desk.daemon.call('POST /v1/backups')).status).toBe(202);
  const isTaken = async (): Promise<void> => {
    const { json } = await desk.daemon.call('GET /v1/backups');
    expect(json).toMatchObject({ running: null, backups: [{}] });
  };
  await eventually(isTaken, { limitMs: 20_000 });
  await desk.put('depends?collections=notes', { n: 1 });
  await desk.put('free', 1);
  expect((await restore(desk.daemon, 'ada', { from: 'backup' })).state).toBe('done');
  expect([await desk.value('depends'), await desk.value('free')]).toEqual([undefined, 1]);
});
