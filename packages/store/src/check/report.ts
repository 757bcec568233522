import type { KeySpan } from '../declared/portions.ts';

/** The databases there are: an agent's file, a node's own, the relay's. */
export type FileKind = 'agent' | 'node' | 'relay';

/**
 * What can be wrong with a file.
 *
 * - `structure`: SQLite finds pages, rows or indexes that contradict each other.
 * - `schema`: tables are not what the migrations made.
 * - `reference`: a row refers to one that is not there.
 * - `hash`: a record is not what was written: its content does not give its hash.
 * - `document`: a document is no JSON.
 * - `seal`: a row that is no record is not what was written.
 * - `counter`: a kept figure is not what counting gives.
 * - `derived`: members of lists or words are not those of the records; they can be made anew.
 */
export type ProblemKind = 'structure' | 'schema' | 'reference' | 'hash' | 'document' | 'seal' | 'counter' | 'derived';

/** One kind of thing wrong with a file. */
export interface Problem {
  readonly kind: ProblemKind;
  readonly count: number;
  /** What was found, without ids or documents: fit for a log. */
  readonly detail: string;
}

/** A record that is not what was written. What is told of it may be damaged too. Not for logs: ids may name people. */
export interface DamagedRecord {
  /** Its seq; on the relay its position. */
  readonly place: number;
  readonly resource: string;
  readonly collection: string;
  readonly id: string;
  readonly version: string;
}

/**
 * What a check of a whole file found.
 *
 * - `sound`: nothing is wrong with it.
 * - `damaged`: see `problems`.
 * - `unreadable`: it could not be checked to its end, and nothing wrong was found before: see `error`. That proves no
 *   damage: the process may have been killed, the disk may not answer.
 */
export interface FileReport {
  readonly state: 'sound' | 'damaged' | 'unreadable';
  readonly kind: FileKind;
  /** Size of the database without its log. */
  readonly bytes: number;
  /** Records whose hash was computed. */
  readonly records: number;
  readonly problems: readonly Problem[];
  /** The first of the records that are damaged. */
  readonly damagedRecords: readonly DamagedRecord[];
  /** Where members or words are not those of the records; nowhere, too, when they were not compared. */
  readonly derived: readonly KeySpan[];
  /** Why the check did not come to its end; null if it did. Fit for a log. */
  readonly error: string | null;
}

/** A report of a check that found nothing out. */
export function unreadable(kind: FileKind, error: string): FileReport {
  return { state: 'unreadable', kind, bytes: 0, records: 0, problems: [], damagedRecords: [], derived: [], error };
}
