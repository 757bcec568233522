import { statSync } from 'node:fs';

import { type Database, isDamage, isSqliteError, openForReading } from '@holdfast/sqlite';

import { checkAgentCounters } from './agent-counters.ts';
import { type Pace, paceOf } from './pace.ts';
import { checkRecords, type RecordFindings } from './records.ts';
import { checkRelayCounters } from './relay-counters.ts';
import { type FileKind, type FileReport, type Problem, unreadable } from './report.ts';
import { checkSeals } from './seals.ts';
import { checkSchema, checkStructure } from './structure.ts';

/**
 * Reads a whole database and compares everything in it that says the same thing twice: pages and indexes, each record
 * with its content hash, counters with what they count. Another process may have it open and write to it. It blocks the
 * event loop for as long as SQLite takes to look at the whole file, and SQLite may crash on a damaged one: it belongs
 * into a process of its own, see `runCheck`. Throws only our own bugs.
 */
export async function checkFile(path: string, kind: FileKind, pace: Pace = paceOf(Infinity)): Promise<FileReport> {
  let database: Database;
  try {
    database = openForReading(path);
  } catch (error) {
    return isDamage(error)
      ? { ...unreadable(kind, codeOf(error)), ...damagedBy(error) }
      : unreadable(kind, codeOf(error));
  }
  try {
    return await checkOpen(database, kind, pace);
  } finally {
    database.close();
  }
}

async function checkOpen(database: Database, kind: FileKind, pace: Pace): Promise<FileReport> {
  const bytes = statSync(database.name).size;
  const findings: Findings = { problems: [], records: noRecords, error: null };
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

function reportOf({ problems, records, error }: Findings, kind: FileKind, bytes: number): FileReport {
  const all = [...problems, ...records.problems];
  return {
    state: all.length > 0 ? 'damaged' : error === null ? 'sound' : 'unreadable',
    kind,
    bytes,
    records: records.records,
    problems: all,
    damagedRecords: records.damagedRecords,
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
