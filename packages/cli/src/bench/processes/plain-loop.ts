/**
 * The reference of the bulk figures: the same rows, table, indexes, pragmas and chunk size as an agent's file, written by
 * a plain better-sqlite3 loop that checks nothing, hashes nothing and answers nobody.
 */
import { migrate, openDatabase } from '@holdfast/sqlite';
import { agentMigrations } from '@holdfast/store';

import type { LoopPlan, LoopResult } from '../loop-plan.ts';
import { sampleLine } from '../sample-rows.ts';

interface Line {
  readonly collection: string;
  readonly id: string;
  readonly doc: unknown;
}

interface Row {
  readonly collection: string;
  readonly id: string;
  readonly doc: string;
}

const VERSION = '0192f0c1a2b3-0001-7f3a9c21';
const HASH = '0123456789abcdef0123456789abcdef';

const plan = JSON.parse(process.argv[2] ?? '') as LoopPlan;
const database = openDatabase(plan.path);
migrate(database, agentMigrations);
const insert = database.prepare(
  `INSERT INTO records (seq, resource, collection, id, version, created_at, updated_at, expires_at, deleted, hash, doc)
   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
);
const lines = Array.from({ length: plan.rows }, (_, index) => sampleLine(index));
const rows = plan.fromText ? [] : lines.map(rowOf);
const nowMs = Date.now();

function rowOf(line: string): Row {
  const { collection, id, doc } = JSON.parse(line) as Line;
  return { collection, id, doc: JSON.stringify(doc) };
}

const insertChunk = database.transaction((from: number, to: number) => {
  for (let index = from; index < to; index += 1) {
    const { collection, id, doc } = rows[index] ?? rowOf(lines[index] ?? '');
    insert.run(index + 1, '', collection, id, VERSION, nowMs, nowMs, null, 0, HASH, doc);
  }
});

const cpuBefore = process.cpuUsage();
const startedAtMs = performance.now();
for (let from = 0; from < plan.rows; from += plan.chunkRows) {
  insertChunk.immediate(from, Math.min(from + plan.chunkRows, plan.rows));
}
const seconds = (performance.now() - startedAtMs) / 1000;
const cpu = process.cpuUsage(cpuBefore);
const result: LoopResult = { rows: plan.rows, seconds, cpuSeconds: (cpu.user + cpu.system) / 1e6 };
database.close();
process.stdout.write(`${JSON.stringify(result)}\n`);
