/** The reference of the query figures: a statement by hand over the same file, prepared once, with better-sqlite3. */
import { openForReading } from '@holdfast/sqlite';

import type { SqlPlan, SqlResult } from '../query-plan.ts';
import { quantile } from '../rounds.ts';

const plan = JSON.parse(process.argv[2] ?? '') as SqlPlan;
const database = openForReading(plan.path);
const statement = database.prepare(plan.sql);
const latenciesMs: number[] = [];
let rows = 0;

/** Asks one thing after the other until the time is over; keeps how long each took from `keep` on. */
function ask(forMs: number, keep: boolean): void {
  const endAtMs = performance.now() + forMs;
  for (let index = 0; performance.now() < endAtMs; index += 1) {
    const startedAtMs = performance.now();
    const found = statement.all(...(plan.params[index % plan.params.length] ?? []));
    if (!keep) continue;
    latenciesMs.push(performance.now() - startedAtMs);
    rows += found.length;
  }
}

ask(plan.warmUpMs, false);
const cpuBefore = process.cpuUsage();
const startedAtMs = performance.now();
ask(plan.measureMs, true);
const seconds = (performance.now() - startedAtMs) / 1000;
const cpu = process.cpuUsage(cpuBefore);
database.close();
const result: SqlResult = {
  perSecond: latenciesMs.length / seconds,
  p50Ms: quantile(latenciesMs, 0.5),
  p99Ms: quantile(latenciesMs, 0.99),
  rows: rows / latenciesMs.length,
  cpuUs: (cpu.user + cpu.system) / latenciesMs.length,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
