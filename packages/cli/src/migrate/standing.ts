import { isHoldfastError } from '@holdfast/protocol';
import { openForReading, reasonAgainstDown, refuseEmpty, refuseRotten, schemaVersion } from '@holdfast/sqlite';

import type { DatabaseFile, DatabaseKind } from './databases.ts';

/** How far the schema of a database is, as `holdfast migrate status` tells it. */
export interface SchemaStanding {
  readonly file: string;
  readonly kind: DatabaseKind;
  /** Null: it cannot be read. */
  readonly schema: number | null;
  /** The newest this version knows. */
  readonly newest: number;
  /** The steps that bring it there, by number and name. */
  readonly pending: readonly string[];
  /** Why it cannot be taken one schema back; null if it can. */
  readonly no_way_back: string | null;
  /** Why nothing can be done with it; null if it can. */
  readonly error: string | null;
}

/** Looks at the schema of a database nobody uses. Changes nothing. */
export function standingOf(database: DatabaseFile): SchemaStanding {
  const { file, kind, migrations } = database;
  const base = { file, kind, newest: migrations.length };
  try {
    const schema = readSchema(database);
    if (schema > migrations.length) {
      const error = `schema ${schema} is of a newer Holdfast`;
      return { ...base, schema, pending: [], no_way_back: error, error };
    }
    const pending = migrations.slice(schema).map(({ name }, index) => `${schema + index + 1} ${name}`);
    return { ...base, schema, pending, no_way_back: reasonOf(database) ?? null, error: null };
  } catch (error) {
    const reason = reasonIn(error);
    return { ...base, schema: null, pending: [], no_way_back: reason, error: reason };
  }
}

/** The reason in an error of the world or of SQLite. Throws on what is neither. */
export function reasonIn(error: unknown): string {
  if (isHoldfastError(error)) return error.message;
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_')) {
    return `SQLite says ${String(error.code)}`;
  }
  throw error;
}

function readSchema({ path }: DatabaseFile): number {
  refuseEmpty(path);
  refuseRotten(path, () => undefined);
  const database = openForReading(path);
  try {
    return schemaVersion(database);
  } finally {
    database.close();
  }
}

function reasonOf({ path, migrations }: DatabaseFile): string | undefined {
  const database = openForReading(path);
  try {
    return reasonAgainstDown(database, migrations);
  } finally {
    database.close();
  }
}
