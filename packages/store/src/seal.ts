import { hash } from 'node:crypto';

import { HoldfastError } from '@holdfast/protocol';
import type { Database } from '@holdfast/sqlite';

/** Hexadecimal digits of a seal: 64 bits. */
const SEAL_DIGITS = 16;

/** What stands in a column that is sealed. */
type SealedValue = string | number | null;

/** Tables of an agent's file whose rows no content hash covers, and the columns their seals are over, in that order. */
const sealedTables = {
  stream: ['incarnation', 'last_seq', 'last_version', 'acked_seq', 'acked_version', 'acked_at', 'outbox', 'digest'],
  idempotency: ['resource', 'key', 'fingerprint', 'answer', 'expires_at'],
  dead_letters: ['seq', 'resource', 'collection', 'record', 'version', 'code', 'reason', 'rejected_at'],
  feed: ['cursor', 'cursor_before', 'is_starting_over', 'lowest_seq'],
  fences: ['scope', 'resource', 'lock', 'fence'],
} as const;

/** What tells one row from the others. */
const keysOf: Readonly<Record<SealedTable, readonly string[]>> = {
  stream: ['id'],
  idempotency: ['resource', 'key'],
  dead_letters: ['id'],
  feed: ['id'],
  fences: ['scope', 'resource', 'lock'],
};

type SealedRow = Readonly<Record<string, SealedValue>>;

/** A table whose rows are sealed. */
export type SealedTable = keyof typeof sealedTables;

/** Its columns as statements list them; the seal comes last. */
export function sealedColumns(table: SealedTable): string {
  return [...sealedTables[table], 'seal'].join(', ');
}

/** The values of a row with its seal behind them, as `sealedColumns` lists them. */
export function sealed(values: readonly SealedValue[]): SealedValue[] {
  return [...values, sealOf(values)];
}

/** Whether a row is still what was written. It must have all of `sealedColumns`; further ones do not count. */
export function isSealed(table: SealedTable, row: object): boolean {
  const columns = row as SealedRow;
  return columns['seal'] === sealOf(valuesOf(sealedTables[table], columns));
}

/** Throws `file-damaged` when a row is not what was written. */
export function assertSealed(table: SealedTable, row: object): void {
  if (!isSealed(table, row)) throw new HoldfastError('file-damaged', `a row of ${table} is not what was written`);
}

/** Seals every row of a table as it stands, whatever its seal was. */
export function sealAll(database: Database, table: SealedTable): void {
  const keys = keysOf[table];
  const [columns, key, places] = [sealedColumns(table), keys.join(', '), keys.map(() => '?').join(', ')];
  const seal = database.prepare(`UPDATE ${table} SET seal = ? WHERE (${key}) = (${places})`);
  const rows = database.prepare(`SELECT ${key}, ${columns} FROM ${table}`).all() as SealedRow[];
  for (const row of rows) seal.run(sealOf(valuesOf(sealedTables[table], row)), ...valuesOf(keys, row));
}

/** How many rows of a table are not what was written. */
export function countUnsealed(database: Database, table: SealedTable): number {
  let unsealed = 0;
  for (const row of database.prepare(`SELECT ${sealedColumns(table)} FROM ${table}`).iterate() as Iterable<object>) {
    if (!isSealed(table, row)) unsealed += 1;
  }
  return unsealed;
}

// A blob in the place of a text has another JSON, and so another seal.
function sealOf(values: readonly SealedValue[]): string {
  return hash('sha256', JSON.stringify(values)).slice(0, SEAL_DIGITS);
}

function valuesOf(names: readonly string[], row: SealedRow): SealedValue[] {
  return names.map((name) => row[name] ?? null);
}
