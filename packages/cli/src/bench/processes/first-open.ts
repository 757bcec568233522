/**
 * Opens an agent's file as the first start after an upgrade finds it: messages under the schema from before declarations, without indexes
 * over fields and without words.
 */
import { statSync } from 'node:fs';

import { HybridClock, NO_RESOURCE } from '@holdfast/protocol';
import { migrateDown, openDatabase } from '@holdfast/sqlite';
import { agentMigrations, FileBuilder, recordHash, type RecordRow } from '@holdfast/store';

import type { FirstOpenPlan, FirstOpenResult } from '../first-open-plan.ts';
import { sampleNumber } from '../sample-document.ts';
import { collectionOf, sampleOf } from '../sample-rows.ts';

const CHUNK_ROWS = 512;

const plan = JSON.parse(process.argv[2] ?? '') as FirstOpenPlan;
const clock = new HybridClock(Date.now, '0000000a');
fill();
takeBack();
const cpuBefore = process.cpuUsage();
const firstMs = openMs();
const cpu = process.cpuUsage(cpuBefore);
const result: FirstOpenResult = {
  firstMs,
  firstCpuMs: (cpu.user + cpu.system) / 1000,
  againMs: openMs(),
  bytes: statSync(plan.path).size,
};
process.stdout.write(`${JSON.stringify(result)}\n`);

function rowOf(index: number): RecordRow {
  const nowMs = Date.now();
  const key = {
    resource: NO_RESOURCE,
    collection: collectionOf('message'),
    id: sampleNumber(index),
    version: clock.next(),
  };
  const times = { createdAtMs: nowMs, updatedAtMs: nowMs, expiresAtMs: null };
  const content = { ...key, ...times, deleted: false, doc: sampleOf('message', index) };
  return { seq: index + 1, ...content, hash: recordHash(content) };
}

function fill(): void {
  const builder = new FileBuilder(plan.path, clock, Date.now);
  for (let from = 0; from < plan.records; from += CHUNK_ROWS) {
    const count = Math.min(CHUNK_ROWS, plan.records - from);
    builder.take(Array.from({ length: count }, (_, place) => rowOf(from + place)));
  }
  builder.close();
}

function takeBack(): void {
  const database = openDatabase(plan.path);
  const declared = agentMigrations.findIndex(({ name }) => name === 'declared');
  while ((database.pragma('user_version', { simple: true }) as number) > declared)
    migrateDown(database, agentMigrations);
  const indexes = "SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE '% (%'";
  for (const name of database.prepare(indexes).pluck().all() as string[]) database.exec(`DROP INDEX "${name}"`);
  database.close();
}

function openMs(): number {
  const startedAtMs = performance.now();
  const opened = new FileBuilder(plan.path, clock, Date.now);
  const ms = performance.now() - startedAtMs;
  opened.close();
  return ms;
}
