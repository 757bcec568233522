import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';

import { HybridClock, type Json } from '@holdfast/protocol';
import { openDatabase } from '@holdfast/sqlite';
import { FileBuilder, recordHash, type RecordRow, runSalvage } from '@holdfast/store';
import { seededRandom, temporaryDirectory, type TemporaryDirectory, testSeed } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { put, TestAgent } from './fixture.ts';

const PATIENCE_MS = 240_000;
const PAGE_BYTES = 4096;
/** The first byte of such a page. */
const INDEX_LEAF = 0x0a;
const RECORDS = 400;
const ROUNDS = 15;

const names = Array.from({ length: RECORDS }, (_, number) => `note-${number}`);
const textOf = (id: string): string => JSON.stringify({ text: id.repeat(40) });

/** An agent's file that was closed, with all of the notes in it. */
async function wholeFile(place: TemporaryDirectory): Promise<string> {
  using agent = new TestAgent(place.file('whole.db'));
  for (const id of names) await agent.write(put('notes', id, JSON.parse(textOf(id)) as Json));
  return agent.path;
}

interface Found {
  readonly records: ReadonlyMap<string, RecordRow>;
  readonly lost: ReadonlySet<string>;
  readonly isComplete: boolean;
}

interface ReadOptions {
  /** What the file being built has already. */
  readonly before?: readonly RecordRow[];
  readonly incarnation?: string | null;
}

/** What can be read of a file. */
async function readAll(
  place: TemporaryDirectory,
  path: string,
  { before = [], incarnation = null }: ReadOptions = {},
): Promise<Found> {
  const builtPath = place.file(`built-${Math.random()}.db`);
  const builder = new FileBuilder(builtPath, new HybridClock(Date.now, '0badcafe'), Date.now);
  builder.take(before);
  const records = new Map<string, RecordRow>();
  const lost = new Set<string>();
  let isComplete = false;
  for await (const found of runSalvage({ path, builtPath, incarnation })) {
    if (found.kind === 'record') {
      records.set(found.row.id, found.row);
      lost.delete(found.row.id);
    }
    if (found.kind === 'lost') lost.add(found.place.id);
    if (found.kind === 'end') ({ isComplete } = found);
  }
  builder.close();
  return { records, lost, isComplete };
}

/** Where the leaf of an index has a key: its copy in the table stands on another page. */
function leafWith(file: Buffer, key: Buffer): number {
  for (let at = file.indexOf(key); at >= 0; at = file.indexOf(key, at + 1)) {
    if (file[Math.floor(at / PAGE_BYTES) * PAGE_BYTES] === INDEX_LEAF) return at;
  }
  throw new Error('no leaf of an index has this key');
}

function incarnationOf(path: string): string {
  const database = openDatabase(path);
  const incarnation = database.prepare('SELECT incarnation FROM stream').pluck().get() as string;
  database.close();
  return incarnation;
}

describe('what can be read of a damaged file', () => {
  test('is all of it whatever stands in a document, also what some take for the end of a line', async () => {
    await using place = await temporaryDirectory();
    using agent = new TestAgent(place.file('whole.db'));
    for (const [index, text] of ['plain', 'a\u2028b', 'a\u2029b', 'a\u0085b\r\nc', 'plain'].entries())
      await agent.write(put('notes', `note-${index}`, { text }));
    agent.store.close();
    const { records, isComplete } = await readAll(place, agent.path);
    agent.reopen();
    expect(records.size).toBe(5);
    expect(isComplete).toBe(true);
    for (const row of records.values()) expect(recordHash(row)).toBe(row.hash);
  });

  test('is all of it though an entry of the index leads to another record', async () => {
    await using place = await temporaryDirectory();
    const path = await wholeFile(place);
    const bytes = readFileSync(path);
    // Behind the key the entry has the seq, as two bytes: one flipped bit makes it that of a neighbour.
    const key = Buffer.from('notesnote-201');
    const at = leafWith(bytes, key) + key.length;
    expect(bytes.readUInt16BE(at)).toBe(202);
    bytes.writeUInt16BE(203, at);
    writeFileSync(path, bytes);
    const { records, lost, isComplete } = await readAll(place, path);
    expect([...records.keys()].toSorted()).toEqual(names.toSorted());
    expect({ lost: [...lost], isComplete }).toEqual({ lost: [], isComplete: true });
  });

  test('is not asked for when no process can be started: that says nothing of the file', async () => {
    await using place = await temporaryDirectory();
    const path = await wholeFile(place);
    const { execPath } = process;
    process.execPath = place.file('no-such-program');
    try {
      await expect(readAll(place, path)).rejects.toMatchObject({ code: 'storage-failed' });
    } finally {
      process.execPath = execPath;
    }
  });

  test('is nothing of the file of another stream', async () => {
    await using place = await temporaryDirectory();
    const path = await wholeFile(place);
    expect((await readAll(place, path, { incarnation: incarnationOf(path) })).records.size).toBe(RECORDS);
    expect(await readAll(place, path, { incarnation: 'f'.repeat(32) })).toMatchObject({
      records: new Map(),
      isComplete: false,
    });
  });

  test(
    'is exactly what was written, and what cannot is named unless it says that there may be more',
    async () => {
      const random = seededRandom(testSeed());
      await using place = await temporaryDirectory();
      const whole = readFileSync(await wholeFile(place));
      let damaged = 0;
      let lostByName = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const bytes = Buffer.from(whole);
        const isZeroing = round % 2 === 0;
        for (let fault = 0; fault < 4; fault += 1) {
          const page = random.integer(1, bytes.length / PAGE_BYTES - 1);
          if (isZeroing) bytes.fill(0, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
          else {
            const at = page * PAGE_BYTES + random.integer(0, PAGE_BYTES - 1);
            bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random.integer(0, 7)), at);
          }
        }
        const path = place.file(`damaged-${round}.db`);
        writeFileSync(path, bytes);
        const { records, lost, isComplete } = await readAll(place, path);
        for (const [id, row] of records) {
          expect(row.doc).toBe(textOf(id));
          expect(recordHash(row)).toBe(row.hash);
        }
        const missing = names.filter((id) => !records.has(id));
        if (missing.length > 0) damaged += 1;
        const unnamed = missing.filter((id) => !lost.has(id)).length;
        expect(isComplete && unnamed > 0).toBe(false);
        lostByName += missing.filter((id) => lost.has(id)).length;
        expect(readFileSync(path)).toEqual(bytes);
      }
      expect(damaged).toBeGreaterThan(ROUNDS / 3);
      expect(lostByName).toBeGreaterThan(0);
    },
    PATIENCE_MS,
  );

  test('is all of it though a damaged index lacks entries and SQLite does not notice', async () => {
    await using place = await temporaryDirectory();
    const path = await wholeFile(place);
    const page = leafOf(path, 'records_key');
    const bytes = readFileSync(path);
    const at = (page - 1) * PAGE_BYTES + 3;
    const cells = bytes.readUInt16BE(at);
    expect(cells).toBeGreaterThan(4);
    bytes.writeUInt16BE(cells - 3, at);
    writeFileSync(path, bytes);
    const { records, lost, isComplete } = await readAll(place, path);
    expect({ records: records.size, lost: lost.size, isComplete }).toEqual({
      records: RECORDS,
      lost: 0,
      isComplete: true,
    });
  });

  test('leaves out what is there already, in the same or a newer version', async () => {
    await using place = await temporaryDirectory();
    const path = await wholeFile(place);
    const { records } = await readAll(place, path);
    expect(records.size).toBe(RECORDS);
    const known = [...records.values()].slice(0, 300);
    const rest = await readAll(place, path, { before: known });
    expect([...rest.records.keys()].toSorted()).toEqual([...records.keys()].slice(300).toSorted());
    expect(rest).toMatchObject({ lost: new Set(), isComplete: true });
  });

  test('is nothing, and said to be so, of a file that is none', async () => {
    await using place = await temporaryDirectory();
    const path = place.file('none.db');
    writeFileSync(path, Buffer.alloc(20_000, 'no database '));
    expect(await readAll(place, path)).toEqual({ records: new Map(), lost: new Set(), isComplete: false });
    copyFileSync(await wholeFile(place), path);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length / 3));
    expect((await readAll(place, path)).isComplete).toBe(false);
  });
});

describe('a file built anew', () => {
  test('takes the newest of each record and nothing whose hash does not fit', async () => {
    await using place = await temporaryDirectory();
    const { records } = await readAll(place, await wholeFile(place));
    const rows = [...records.values()];
    const [first, second] = rows as [RecordRow, RecordRow];
    const builder = new FileBuilder(place.file('new.db'), new HybridClock(Date.now, '0badcafe'), Date.now);
    expect(builder.take(rows)).toEqual({ taken: RECORDS, wrong: [] });
    const older = { ...first, version: '000000000001-0000-00000000' };
    const wrong = { ...second, doc: '{}', version: 'ffffffffffff-0000-00000000' };
    expect(builder.take([{ ...older, hash: recordHash(older) }, wrong])).toEqual({ taken: 0, wrong: [wrong] });
    const newer = { ...first, version: 'fffffffffffe-0000-00000000', doc: '{"text":"newer"}' };
    builder.acknowledge(builder.end);
    expect(builder.take([{ ...newer, hash: recordHash(newer) }])).toEqual({ taken: 1, wrong: [] });
    builder.close();
    using agent = new TestAgent(place.file('new.db'));
    expect(agent.store.incarnation).toBe(builder.incarnation);
    expect(agent.read('notes', first.id)).toEqual({ text: 'newer' });
    expect(agent.store.summary()).toMatchObject({ records: RECORDS, outbox: 1, lastSeq: RECORDS + 1 });
    expect(agent.store.outbox.next({ changes: 10, bytes: 1e6 })?.lines).toHaveLength(1);
  });
});

/** A page of a table or index that holds its rows or entries. */
function leafOf(path: string, name: string): number {
  const database = openDatabase(path);
  const leaf = database
    .prepare("SELECT max(pageno) FROM dbstat WHERE name = ? AND pagetype = 'leaf'")
    .pluck()
    .get(name);
  database.close();
  return leaf as number;
}
