/** The reference of the stream: rows of a query by hand, one after the other with better-sqlite3; looks at each and keeps none. */
import { openForReading } from '@holdfast/sqlite';

import type { IteratePlan, StreamResult } from '../stream-plan.ts';

const plan = JSON.parse(process.argv[2] ?? '') as IteratePlan;
const database = openForReading(plan.path);
const startedAtMs = performance.now();
let [rows, bytes] = [0, 0];
for (const row of database.prepare(plan.sql).iterate() as IterableIterator<{ readonly doc: string }>) {
  rows += 1;
  bytes += row.doc.length;
}
const result: StreamResult = { rows, bytes, seconds: (performance.now() - startedAtMs) / 1000, requests: 0 };
database.close();
process.stdout.write(`${JSON.stringify(result)}\n`);
