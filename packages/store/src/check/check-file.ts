import { statSync } from 'node:fs';

import { type Database, isDamage, isSqliteError, openForReading } from '@holdfast/sqlite';

import { checkAgentCounters } from './agent-counters.ts';
import { checkDerived, type DerivedFindings, nothingDerived } from './derived.ts';
import { type Pace, paceOf } from './pace.ts';
import { checkRecords, type RecordFindings } from './records.ts';
import { checkRelayCounters } from './relay-counters.ts';
import { type FileKind, type FileReport, type Problem, unreadable } from './report.ts';
import type { CheckOptions } from './run-check.ts';
import { checkSeals } from './seals.ts';
import { checkSchema, checkStructure } from './structure.ts';

/**
 * Reads a whole database and compares everything in it that says the same thing twice: pages and indexes, each record
 * with its content hash, counters with what they count, members of lists and words with the records. Another process may have it open and write to it. It blocks the
 * event loop for as long as SQLite takes to look at the whole file, and SQLite may crash on a damaged one: it belongs
 * into a process of its own, see `runCheck`. Throws only our own bugs.
 */
export async function checkFile(path: string, kind: FileKind, how: Partial<Manner> = {}): Promise<FileReport> {
  let database: Database;
  try {
    database = openForReading(path);
  } catch (error) {
    return isDamage(error)
      ? { ...unreadable(kind, codeOf(error)), ...damagedBy(error) }
      : unreadable(kind, codeOf(error));
  }
  try {
    return await checkOpen(database, kind, { pace: paceOf(Infinity), skipsDerived: false, ...how });
  } finally {
    database.close();
  }
}

/** How a file is checked. */
interface Manner extends Required<Pick<CheckOptions, 'skipsDerived'>> {
  readonly pace: Pace;
}

async function checkOpen(database: Database, kind: FileKind, { pace, skipsDerived }: Manner): Promise<FileReport> {
  const bytes = statSync(database.name).size;
  const findings: Findings = { problems: [], records: noRecords, derived: nothingDerived, error: null };
  await run(findings, () => {
    findings.problems.push(...checkSchema(database, kind));
  });
  await run(findings, async () => {
    findings.problems.push(...checkStructure(database));
    await pace(bytes);
  });
  if (kind !== 'node') {
    await run(findings, async () => {
      findings.records = await checkRecords(database, kind, pace);
    });
    await run(findings, () => {
      findings.problems.push(...(kind === 'agent' ? checkAgentCounters(database) : checkRelayCounters(database)));
    });
    if (!skipsDerived && mayCompareDerived(findings, kind)) {
      await run(findings, async () => {
        findings.derived = await checkDerived(database, kind, pace);
      });
    }
  }
  if (kind === 'agent') {
    await run(findings, () => {
      findings.problems.push(...checkSeals(database));
    });
  }
  return reportOf(findings, kind, bytes);
}

interface Findings {
  readonly problems: Problem[];
  records: RecordFindings;
  derived: DerivedFindings;
  /** Why a part could not be checked, when that does not prove damage. */
  error: string | null;
}

const noRecords: RecordFindings = { records: 0, problems: [], damagedRecords: [] };

/** Runs one part of the check. What one part cannot read does not keep the others from looking. */
async function run(findings: Findings, part: () => void | Promise<void>): Promise<void> {
  try {
    await part();
  } catch (error) {
    if (!isSqliteError(error)) throw error;
    if (isDamage(error)) findings.problems.push(...damagedBy(error).problems);
    else findings.error ??= codeOf(error);
  }
}

// An agent's file that is damaged is given up anyway; the relay's goes on with records that rotted.
function mayCompareDerived({ problems, records }: Findings, fileKind: FileKind): boolean {
  const isWhole = problems.every(({ kind }) => kind === 'counter');
  return isWhole && (fileKind === 'relay' || records.problems.length === 0);
}

function reportOf({ problems, records, derived, error }: Findings, kind: FileKind, bytes: number): FileReport {
  const all = [...problems, ...records.problems, ...derived.problems];
  return {
    state: all.length > 0 ? 'damaged' : error === null ? 'sound' : 'unreadable',
    kind,
    bytes,
    records: records.records,
    problems: all,
    damagedRecords: records.damagedRecords,
    derived: derived.spans,
    error,
  };
}

function damagedBy(error: unknown): Pick<FileReport, 'state' | 'problems'> {
  return { state: 'damaged', problems: [{ kind: 'structure', count: 1, detail: codeOf(error) }] };
}

// SQLite's own words may quote what it read.
function codeOf(error: unknown): string {
  if (isSqliteError(error)) return error.code;
  return error instanceof Error && 'code' in error ? String(error.code) : 'the file cannot be opened';
}
