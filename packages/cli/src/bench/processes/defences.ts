/** What the defences against faults cost, each beside the same work without it. */
import { copyFileSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { HybridClock } from '@holdfast/protocol';
import { openDatabase, scanWal } from '@holdfast/sqlite';
import { checkFile, digestShare, digestText, FileBuilder, recordHash, type RecordRow, sealed } from '@holdfast/store';

import type { DefenceCost, DefencePlan, DefenceResult } from '../defence-plan.ts';
import { sampleDocument, sampleNumber } from '../sample-document.ts';

const plan = JSON.parse(process.argv[2] ?? '') as DefencePlan;
const WARM_UP = 20_000;
const TIMES = 200_000;
const COMMITS = 500;
const CHUNK_ROWS = 512;
const MICROSECONDS = 1000;

const clock = new HybridClock(Date.now, '0000000a');
const records = Array.from({ length: plan.records }, (_, index) => recordOf(index));
const path = join(plan.directory, 'checked.db');
const result: DefenceResult = {
  sealUs: sealCost(),
  digestUs: digestCost(),
  checkMs: await checkCost(),
  logScanMs: logCost(),
};
process.stdout.write(`${JSON.stringify(result)}\n`);

function recordOf(index: number): RecordRow {
  const nowMs = Date.now();
  const key = { resource: '', collection: 'load', id: sampleNumber(index), version: clock.next() };
  const content = {
    ...key,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    expiresAtMs: null,
    deleted: false,
    doc: sampleDocument(index),
  };
  return { seq: index + 1, ...content, hash: recordHash(content) };
}

/** Milliseconds that something takes. */
function timed(work: () => void): number {
  const startedAtMs = performance.now();
  work();
  return performance.now() - startedAtMs;
}

/** Microseconds that one of many takes, once the code is compiled. */
function eachUs(work: (record: RecordRow) => void): number {
  const many = (times: number) => (): void => {
    for (let time = 0; time < times; time += 1) work(records[time % records.length] as RecordRow);
  };
  many(WARM_UP)();
  return (timed(many(TIMES)) / TIMES) * MICROSECONDS;
}

function sealCost(): DefenceCost {
  const { version } = records[0] as RecordRow;
  const defence = eachUs(({ seq, hash }) =>
    sealed([hash, seq, version, seq, version, 1_800_000_000_000, 3, hash.slice(0, 16)]),
  );
  const database = openDatabase(join(plan.directory, 'commits.db'));
  database.exec('CREATE TABLE records (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, doc TEXT NOT NULL)');
  const insert = database.prepare('INSERT INTO records (id, doc) VALUES (?, ?)');
  const commits = timed(() => {
    for (let time = 0; time < COMMITS; time += 1) insert.run(sampleNumber(time), sampleDocument(time));
  });
  database.close();
  return { defence, reference: (commits / COMMITS) * MICROSECONDS };
}

function digestCost(): DefenceCost {
  let digest = 0n;
  const defence = eachUs((record) => (digest ^= digestShare(record)));
  const reference = eachUs((record) => recordHash(record));
  if (digestText(digest).length === 0) throw new Error('the digest has no text');
  return { defence, reference };
}

async function checkCost(): Promise<DefenceResult['checkMs']> {
  const builder = new FileBuilder(path, clock, Date.now);
  for (let from = 0; from < records.length; from += CHUNK_ROWS) builder.take(records.slice(from, from + CHUNK_ROWS));
  builder.close();
  const database = openDatabase(path);
  const reference = timed(() => database.pragma('integrity_check'));
  database.close();
  const startedAtMs = performance.now();
  const { state } = await checkFile(path, 'agent');
  if (state !== 'sound') throw new Error(`the file to be checked is ${state}`);
  return { defence: performance.now() - startedAtMs, reference, bytes: statSync(path).size };
}

function logCost(): DefenceResult['logScanMs'] {
  const copy = join(plan.directory, 'scanned.db');
  const database = openDatabase(path);
  database.pragma('wal_autocheckpoint = 0');
  const touch = database.prepare('UPDATE records SET updated_at = updated_at + 1 WHERE seq > ? AND seq <= ?');
  for (let from = 0; logBytes() < plan.logBytes; from = (from + CHUNK_ROWS) % records.length)
    touch.run(from, from + CHUNK_ROWS);
  for (const suffix of ['', '-wal']) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
  database.close();
  const reference = timed(() => void readFileSync(`${copy}-wal`));
  const startedAtMs = performance.now();
  const { state, bytes } = scanWal(copy);
  if (state !== 'intact') throw new Error(`the log to be scanned is ${state}`);
  return { defence: performance.now() - startedAtMs, reference, bytes };
}

function logBytes(): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}
