import { extname } from 'node:path';

import { HoldfastError, type Json, mergePatch, type Operation, parseJson } from '@holdfast/protocol';

import { CommandError } from '../command-error.ts';
import { fieldsOf, valuesOfCells, valuesOfObject } from './candidate-columns.ts';
import { type CandidateRecord, candidateRecord } from './candidate-records.ts';
import type { Rejection } from './conversations.ts';
import { csvRows } from './csv-rows.ts';
import { type Entry, readEntries } from './entries.ts';
import type { ImportWatcher } from './import-chats.ts';
import { type ImportTarget, RecordChunks } from './record-chunks.ts';
import { decodedChunks, readHead, textLines } from './text-file.ts';

/** What came of an import of candidates. */
export interface CandidateSummary {
  readonly candidates: number;
  /** Candidates that were new or had changed. */
  readonly written: number;
  /** Candidates that were there already, just so. */
  readonly unchanged: number;
  readonly rejected: number;
  /** Whether it was told to stop before the end of the file. */
  readonly stopped: boolean;
  /** Whether nothing was to be written: `written` is then what would have been. */
  readonly dryRun: boolean;
}

/**
 * Imports the candidates of a CSV, JSON or JSONL file, a chunk of them in memory at a time. A candidate who is there
 * gets what the file says, and keeps all else. Throws as `importChats` does.
 */
export async function importCandidates(
  path: string,
  target: ImportTarget,
  { watcher, isDryRun }: { readonly watcher: ImportWatcher; readonly isDryRun: boolean },
): Promise<CandidateSummary> {
  const counts = { candidates: 0, rejected: 0 };
  const reject = (rejection: Rejection): void => {
    counts.rejected += 1;
    watcher.onRejection(rejection);
  };
  const records = new RecordChunks<CandidateRecord>({
    target,
    operation: addWhatIsNew,
    onRefusal: ({ place }, reason) => reject({ ...place, reason }),
    isDryRun,
  });
  // Of each candidate the id and a number stay in memory until the end.
  const seen = new Map<string, number>();
  for await (const record of candidatesIn(path, (bytes) => watcher.onBytes(bytes))) {
    if (watcher.isStopped()) break;
    const earlier = 'reason' in record ? undefined : seen.get(record.id);
    if ('reason' in record) reject(record);
    else if (earlier !== undefined)
      reject({ ...record.place, reason: `the same candidate stands at ${wordOf(record.place)} ${earlier}` });
    else {
      seen.set(record.id, 'line' in record.place ? record.place.line : record.place.index);
      counts.candidates += 1;
      await records.add(record);
    }
  }
  await records.flush();
  return { ...counts, ...records.counts, stopped: watcher.isStopped(), dryRun: isDryRun };
}

function addWhatIsNew({ collection, id, doc }: CandidateRecord, stored: unknown): Operation | undefined {
  if (stored === undefined) return { op: 'put', collection, id, doc };
  const before = stored as Json;
  const isThere = JSON.stringify(mergePatch(before, doc)) === JSON.stringify(before);
  return isThere ? undefined : { op: 'patch', collection, id, doc };
}

function candidatesIn(path: string, onBytes: (bytes: number) => void): AsyncGenerator<CandidateRecord | Rejection> {
  return isJson(path) ? fromEntries(readEntries(path, onBytes)) : fromCsv(path, onBytes);
}

async function* fromEntries(entries: AsyncIterable<Entry>): AsyncGenerator<CandidateRecord | Rejection> {
  for await (const entry of entries) {
    if (!('text' in entry)) yield { ...entry.place, reason: entry.problem };
    else yield fromEntry(entry);
  }
}

function fromEntry({ place, text }: Extract<Entry, { readonly text: string }>): CandidateRecord | Rejection {
  try {
    const values = valuesOfObject(parseJson(text));
    return values === undefined ? { ...place, reason: 'not an object' } : candidateRecord(values, place, text);
  } catch (error) {
    if (error instanceof HoldfastError) return { ...place, reason: error.message };
    throw error;
  }
}

async function* fromCsv(path: string, onBytes: (bytes: number) => void): AsyncGenerator<CandidateRecord | Rejection> {
  let fields: readonly (string | undefined)[] | undefined;
  for await (const row of csvRows(textLines(decodedChunks(path, onBytes)))) {
    const { line } = row;
    if ('problem' in row) {
      if (fields === undefined) throw new CommandError(`line ${line}: ${row.problem}`, 'Begin with a header.');
      yield { line, reason: row.problem };
    } else if (fields === undefined) fields = fieldsOf(row.cells);
    else {
      const values = valuesOfCells(fields, row.cells);
      yield candidateRecord(values, { line }, JSON.stringify(values));
    }
  }
}

function wordOf(place: CandidateRecord['place']): string {
  return 'line' in place ? 'line' : 'index';
}

/** Whether a file holds JSON: by its name, else by how it begins. Throws CommandError when it cannot be read. */
function isJson(path: string): boolean {
  const head = readHead(path);
  const ending = extname(path).toLowerCase();
  if (['.json', '.jsonl', '.ndjson'].includes(ending)) return true;
  return !['.csv', '.tsv'].includes(ending) && /^\uFEFF?\s*[[{]/u.test(head);
}
