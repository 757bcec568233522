import { type Database, dumpSchema, schemaOf, schemaVersion } from '@holdfast/sqlite';

import { agentMigrations } from '../migrations/index.ts';
import type { FileKind, Problem } from './report.ts';

/** Findings SQLite lists at most, and those that are told. */
const MAX_FINDINGS = 100;
const TOLD_FINDINGS = 3;

/** Checks what SQLite itself can: pages, rows against their tables, indexes against tables, references. One long read. */
export function checkStructure(database: Database): Problem[] {
  const findings = (database.pragma(`integrity_check(${MAX_FINDINGS})`) as { readonly integrity_check: string }[])
    .map((row) => row.integrity_check)
    .filter((finding) => finding !== 'ok');
  const orphans = database.pragma('foreign_key_check') as { readonly table: string }[];
  const problems: Problem[] = [];
  if (findings.length > 0) {
    const detail = findings.slice(0, TOLD_FINDINGS).join('; ').slice(0, 500);
    problems.push({ kind: 'structure', count: findings.length, detail });
  }
  if (orphans.length > 0) {
    const tables = [...new Set(orphans.map(({ table }) => table))].join(', ');
    problems.push({ kind: 'reference', count: orphans.length, detail: `rows of ${tables} refer to what is not there` });
  }
  return problems;
}

/**
 * Whether an agent's file has the tables and indexes its migrations make; further ones do no harm. Other kinds are not
 * compared, nor are files of a schema this version does not know.
 */
export function checkSchema(database: Database, kind: FileKind): Problem[] {
  const version = schemaVersion(database);
  if (kind !== 'agent' || version > agentMigrations.length) return [];
  const actual = new Set(objectsOf(schemaOf(database)));
  const expected = objectsOf(dumpSchema(agentMigrations.slice(0, version)));
  if (version > 0 && expected.every((object) => actual.has(object))) return [];
  return [{ kind: 'schema', count: 1, detail: `the tables are not those of an agent's file of schema ${version}` }];
}

function objectsOf(schema: string): string[] {
  return schema.trimEnd().split('\n\n');
}
