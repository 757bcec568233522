import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { HoldfastError } from '@holdfast/protocol';
import { copyVerified, type Database, migrate, migrateDown, openDatabase } from '@holdfast/sqlite';
import { syncDirectory } from '@holdfast/store';

import type { FileBar } from '../backup/progress.ts';
import { type DatabaseFile, type DatabaseKind, databasesIn } from './databases.ts';
import { reasonIn, standingOf } from './standing.ts';
import type { ServiceName } from '../config/locations.ts';

/** A database that was brought to another schema. */
export interface Migrated {
  readonly file: string;
  readonly from: number;
  readonly to: number;
  /** As it was before. */
  readonly copy: string;
}

/** What came of a run over the databases of a directory. */
export interface MigrationRun {
  readonly migrated: readonly Migrated[];
  /** Those that stand where they should. */
  readonly unchanged: number;
  /** Those nothing could be done with, and why; they are as they were. */
  readonly failed: readonly { readonly file: string; readonly reason: string }[];
}

/** Which directory, and what to tell how far it is. The caller holds the directory's lock. */
export interface RunOptions {
  readonly service: ServiceName;
  readonly directory: string;
  readonly bar: FileBar;
}

/**
 * Brings every database of a directory to the newest schema, one after the other, each copied and the copy verified before. One
 * that cannot be brought there keeps none of the others from it.
 */
export async function runUp(options: RunOptions): Promise<MigrationRun> {
  return runOver(databasesIn(options.service, options.directory), options, {
    targetOf: ({ migrations }) => migrations.length,
    change: (database, { migrations }) => migrate(database, migrations),
  });
}

/**
 * Takes the databases of one kind one schema back: those that stand highest among them. So a run that was cut off is gone on
 * with. Each is copied and the copy verified before. Throws `migration-refused`, having changed nothing, when something stands in
 * the way of any of them.
 */
export async function runDown(kind: DatabaseKind, options: RunOptions): Promise<MigrationRun> {
  const files = databasesIn(options.service, options.directory).filter((file) => file.kind === kind);
  const standings = files.map(standingOf);
  const highest = Math.max(0, ...standings.map(({ schema }) => schema ?? 0));
  for (const { file, schema, no_way_back: reason } of standings) {
    if (schema !== highest || reason === null) continue;
    throw new HoldfastError('migration-refused', `${file} stays at schema ${schema}: ${reason}`);
  }
  return runOver(files, options, {
    targetOf: () => highest - 1,
    change: (database, { migrations }) => migrateDown(database, migrations),
  });
}

interface Step {
  readonly targetOf: (file: DatabaseFile) => number;
  readonly change: (database: Database, file: DatabaseFile) => void;
}

async function runOver(
  files: readonly DatabaseFile[],
  { directory, bar }: RunOptions,
  { targetOf, change }: Step,
): Promise<MigrationRun> {
  const migrated: Migrated[] = [];
  const failed: { file: string; reason: string }[] = [];
  const before = `before-migration/${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
  for (const [index, file] of files.entries()) {
    bar.show(file.file, index, files.length);
    const { schema, error } = standingOf(file);
    const to = targetOf(file);
    if (schema === null || error !== null) failed.push({ file: file.file, reason: error ?? 'it cannot be read' });
    else if (isToChange(schema, to, file)) {
      try {
        const copy = join(directory, before, file.file);
        await copyThenChange(file, copy, change);
        migrated.push({ file: file.file, from: schema, to, copy });
      } catch (cause) {
        failed.push({ file: file.file, reason: reasonIn(cause) });
      }
    }
  }
  return { migrated, failed, unchanged: files.length - migrated.length - failed.length };
}

// The way up ends at the newest schema; the way back is for those above its end.
function isToChange(schema: number, to: number, { migrations }: DatabaseFile): boolean {
  return to === migrations.length ? schema < to : schema > to;
}

async function copyThenChange(file: DatabaseFile, copy: string, change: Step['change']): Promise<void> {
  mkdirSync(dirname(copy), { recursive: true, mode: 0o700 });
  const database = openDatabase(file.path);
  try {
    await copyVerified(database, copy);
    syncDirectory(dirname(copy));
    change(database, file);
  } finally {
    database.close();
  }
}
