import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';

import { openDatabase } from '@holdfast/sqlite';
import { checkFile, type FileReport, runCheck } from '@holdfast/store';
import { seededRandom, temporaryDirectory, testSeed } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { put, remove, TestAgent } from './fixture.ts';

const PAGE_BYTES = 4096;
/** Checks run at the lowest priority: for hangs, not for speed. */
const PATIENT = { timeout: 120_000 };

/** A file with all there can be in one: tombstones, expiry, several resources, rejected records, an outbox. */
async function writeFile(path: string): Promise<void> {
  using agent = new TestAgent(path);
  for (let number = 0; number < 60; number += 1) {
    const resource = number % 3 === 0 ? 'app:user' : '';
    await agent.write(put('notes', `note-${number}`, { number, text: 'lorem '.repeat(number * 20) }), resource);
  }
  await agent.write(remove('notes', 'note-1'));
  await agent.write(put('kv', 'soon', 1, { expiresAtMs: agent.clock.now() + 3_600_000 }));
  const middle = agent.store.outbox.next({ changes: 20, bytes: 1e9 })!.upto;
  await agent.store.acknowledge(middle, [{ seq: middle.seq, code: 'invalid-request', reason: 'not wanted' }]);
  const idempotency = { key: 'request-1', fingerprint: 'f'.repeat(32) };
  await agent.store.write({ resource: '', operations: [put('notes', 'last', { value: 1 })], idempotency });
}

/** Where something stands in the pages of tables that hold no records. */
function placesBesideRecords(file: Buffer, path: string): number[] {
  const database = openDatabase(path);
  const pages = database
    .prepare(
      `SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name IN ('stream', 'collections', 'idempotency', 'dead_letters')`,
    )
    .pluck()
    .all() as number[];
  database.close();
  return pages
    .flatMap((page) => Array.from({ length: PAGE_BYTES }, (_, offset) => (page - 1) * PAGE_BYTES + offset))
    .filter((at) => file[at] !== 0);
}

function kindsOf({ problems }: FileReport): string[] {
  return problems.map(({ kind }) => kind).toSorted();
}

function overwrite(path: string, at: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}

function hashOf(path: string): string {
  return existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'absent';
}

function change(path: string, sql: string): void {
  const database = openDatabase(path);
  database.pragma('ignore_check_constraints = ON');
  database.exec(sql);
  database.close();
}

describe('checking an agent’s file', () => {
  test('finds nothing wrong with one that is as it was written, open or closed', async () => {
    await using place = await temporaryDirectory();
    const path = place.file('agent.db');
    await writeFile(path);
    const sound = { state: 'sound', kind: 'agent', problems: [], damagedRecords: [], error: null };
    expect(await runCheck(path, 'agent')).toMatchObject({ ...sound, records: 62 });
    using agent = new TestAgent(path);
    const progress = { isDone: false };
    const checking = runCheck(path, 'agent').finally(() => (progress.isDone = true));
    let writes = 0;
    for (; !progress.isDone; writes += 1) await agent.write(put('notes', `note-${writes % 40}`, { writes }));
    expect(await checking).toMatchObject(sound);
    expect(writes).toBeGreaterThan(1);
  });

  test('takes one of an earlier schema as it is', async () => {
    const path = fileURLToPath(new URL('fixtures/schema-1/agent.db', import.meta.url));
    await using place = await temporaryDirectory();
    copyFileSync(path, place.file('agent.db'));
    expect(await checkFile(place.file('agent.db'), 'agent')).toMatchObject({ state: 'sound', problems: [] });
  });

  test('changes neither the file nor its log, also when nobody else has it open', async () => {
    await using place = await temporaryDirectory();
    const path = place.file('agent.db');
    await writeFile(path);
    const copy = place.file('copy.db');
    using agent = new TestAgent(path);
    await agent.write(put('notes', 'in the log', {}));
    for (const suffix of ['', '-wal']) writeFileSync(`${copy}${suffix}`, readFileSync(`${path}${suffix}`));
    const before = ['', '-wal'].map((suffix) => hashOf(`${copy}${suffix}`));
    expect(await runCheck(copy, 'agent')).toMatchObject({ state: 'sound', records: 63 });
    expect(['', '-wal'].map((suffix) => hashOf(`${copy}${suffix}`))).toEqual(before);
  });

  test('names the records that are not what was written', async () => {
    await using place = await temporaryDirectory();
    const path = place.file('agent.db');
    await writeFile(path);
    overwrite(path, readFileSync(path).indexOf('lorem lorem') + 3, Buffer.from('X'));
    const report = await runCheck(path, 'agent');
    expect(report).toMatchObject({ state: 'damaged', problems: [{ kind: 'hash', count: 1 }] });
    expect(report.damagedRecords).toHaveLength(1);
    expect(report.damagedRecords[0]).toMatchObject({ collection: 'notes', id: expect.stringMatching(/^note-/) });
    expect(JSON.stringify(report.problems)).not.toContain('note-');
  });

  test('finds an index that tells other keys than its table', async () => {
    await using place = await temporaryDirectory();
    const path = place.file('agent.db');
    await writeFile(path);
    const key = 'notesapp:usernote-33';
    overwrite(path, readFileSync(path).indexOf(key) + key.length - 1, Buffer.from('2'));
    const report = await checkFile(path, 'agent');
    expect(kindsOf(report)).toEqual(['structure']);
  });

  test.each([
    ['hash', "UPDATE records SET version = replace(version, '0', '1') WHERE id = 'note-5'"],
    ['hash', "UPDATE records SET expires_at = 99 WHERE id = 'note-5'"],
    ['hash', "UPDATE records SET deleted = 1 WHERE id = 'note-5'"],
    ['document', `UPDATE records SET doc = '{"number":' WHERE id = 'note-5'`],
    ['counter', 'UPDATE stream SET outbox = outbox + 1'],
    ['counter', 'UPDATE stream SET last_seq = 3'],
    ['counter', "UPDATE stream SET last_version = '000000000000-0000-00000000'"],
    ['counter', 'UPDATE stream SET acked_seq = last_seq + 1'],
    ['counter', "UPDATE stream SET digest = '0123456789abcdef'"],
    ['counter', 'UPDATE records SET rejected = 1 - rejected WHERE seq = (SELECT min(seq) FROM records)'],
    ['counter', "UPDATE collections SET records = records - 1 WHERE name = 'notes'"],
    ['counter', "DELETE FROM collections WHERE name = 'kv'"],
    ['counter', 'DELETE FROM stream'],
    ['counter', 'UPDATE stream SET last_seq = last_seq + 64'],
    ['counter', "UPDATE stream SET last_version = '81' || substr(last_version, 3)"],
    ['counter', 'UPDATE stream SET acked_at = acked_at + 1'],
    ['seal', 'UPDATE idempotency SET answer = replace(answer, \'"seq":63\', \'"seq":62\')'],
    ['seal', "UPDATE dead_letters SET reason = 'not wanteb'"],
    ['counter', "DELETE FROM records WHERE id = 'note-7'"],
    ['schema', 'DROP INDEX records_key'],
    ['schema', 'DROP TABLE dead_letters'],
  ])('finds a wrong %s after %s', async (kind, sql) => {
    await using place = await temporaryDirectory();
    const path = place.file('agent.db');
    await writeFile(path);
    change(path, sql);
    const report = await checkFile(path, 'agent');
    expect(report.state).toBe('damaged');
    expect(kindsOf(report)).toContain(kind);
  });

  test('says of one cut short, emptied, zeroed in part or of another making that it is damaged', PATIENT, async () => {
    await using place = await temporaryDirectory();
    const damages: Readonly<Record<string, (path: string) => void>> = {
      'cut short': (path) => truncateSync(path, statSync(path).size - 3 * PAGE_BYTES),
      emptied: (path) => truncateSync(path, 0),
      'zeroed in part': (path) => overwrite(path, 4 * PAGE_BYTES, Buffer.alloc(2 * PAGE_BYTES)),
      'of another making': (path) => writeFileSync(path, 'no database '.repeat(2000)),
    };
    for (const [name, damage] of Object.entries(damages)) {
      const path = place.file(`${name}.db`);
      await writeFile(path);
      damage(path);
      const { state, problems } = await runCheck(path, 'agent');
      expect({ name, state }).toEqual({ name, state: 'damaged' });
      expect(problems.length).toBeGreaterThan(0);
    }
  });

  test.each([
    ['anywhere', (file: Buffer) => [...file.keys()]],
    ['in what stands beside the records', placesBesideRecords],
  ])('finds any flipped bit %s that changes what is read', PATIENT, async (_where, placesIn) => {
    await using place = await temporaryDirectory();
    const random = seededRandom(testSeed());
    const path = place.file('agent.db');
    await writeFile(path);
    const written = readFileSync(path);
    const places = placesIn(written, path);
    const content = contentOf(path);
    const states = new Map<string, number>();
    for (let round = 0; round < 150; round += 1) {
      const at = random.pick(places);
      overwrite(path, at, Buffer.of(written.readUInt8(at) ^ (1 << random.integer(0, 7))));
      const { state } = await checkFile(path, 'agent');
      const isHarmless = state === 'sound' && contentOf(path) === content;
      expect({ round, at, isAccountedFor: state !== 'sound' || isHarmless }).toMatchObject({ isAccountedFor: true });
      states.set(state, (states.get(state) ?? 0) + 1);
      writeFileSync(path, written);
    }
    expect(states.get('damaged')).toBeGreaterThan(60);
  });
});

describe('a check that cannot be made', () => {
  test('proves no damage: the file is not there, or the process was ended', async () => {
    await using place = await temporaryDirectory();
    const path = place.file('agent.db');
    expect(await runCheck(path, 'agent')).toMatchObject({ state: 'unreadable', error: 'SQLITE_CANTOPEN' });
    await writeFile(path);
    const ending = new AbortController();
    const checking = runCheck(path, 'agent', { signal: ending.signal, bytesPerSecond: 1 });
    ending.abort(new Error('the service stops'));
    await expect(checking).rejects.toThrow('the service stops');
  });
});

/** All that is in it as SQLite gives it to whoever asks. */
function contentOf(path: string): string {
  const database = openDatabase(path);
  try {
    return JSON.stringify([
      database
        .prepare(
          'SELECT seq, resource, collection, id, version, created_at, updated_at, expires_at, deleted, hash, doc FROM records ORDER BY seq',
        )
        .all(),
      database.prepare('SELECT id FROM records INDEXED BY records_key ORDER BY collection, resource, id').all(),
      database
        .prepare(
          'SELECT incarnation, last_seq, last_version, acked_seq, acked_version, acked_at, outbox, digest FROM stream',
        )
        .all(),
      database.prepare('SELECT name, records FROM collections').all(),
      database.prepare('SELECT resource, key, fingerprint, answer, expires_at FROM idempotency').all(),
      database.prepare('SELECT seq, resource, collection, record, code, reason, rejected_at FROM dead_letters').all(),
    ]);
  } catch (error) {
    return String(error);
  } finally {
    database.close();
  }
}
