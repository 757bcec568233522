import { rmSync } from 'node:fs';

import { HoldfastError } from '@holdfast/protocol';

import { copyDatabase } from './copy.ts';
import { isDamage } from './errors.ts';
import { schemaVersion } from './migrate.ts';
import { openForReading } from './open-for-reading.ts';
import type { Database } from './open.ts';

/**
 * Copies an open database like `copyDatabase` and reads the whole copy: sound in all its pages and indexes, of the same schema,
 * with as many rows in every table. Throws what `copyDatabase` throws, and `file-damaged` when the copy is not that, as when the
 * database itself is damaged; no copy is left then.
 */
export async function copyVerified(database: Database, path: string): Promise<void> {
  await copyDatabase(database, path);
  const problem = problemOf(database, path);
  if (problem === undefined) return;
  rmSync(path, { force: true });
  throw new HoldfastError('file-damaged', `${database.name} cannot be copied whole: ${problem}`);
}

function problemOf(database: Database, path: string): string | undefined {
  try {
    const copy = openForReading(path);
    try {
      const verdict = copy.pragma('integrity_check(1)', { simple: true }) as string;
      if (verdict !== 'ok') return verdict;
      return outlineOf(copy) === outlineOf(database) ? undefined : 'the copy does not hold the same';
    } finally {
      copy.close();
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    return 'the copy cannot be read';
  } finally {
    for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
  }
}

/** Schema and number of rows of each table, as text. */
function outlineOf(database: Database): string {
  const tables = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .pluck()
    .all() as string[];
  const rows = tables.map((name) => [name, database.prepare(`SELECT count(*) FROM "${name}"`).pluck().get()]);
  return JSON.stringify([schemaVersion(database), rows]);
}
