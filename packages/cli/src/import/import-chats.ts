import type { Holdfast } from '@holdfast/client';
import {
  type BatchLine,
  errorCatalogue,
  type ErrorCode,
  errorCodes,
  HoldfastError,
  type Operation,
} from '@holdfast/protocol';

import { type ChatRecord, chatRecords, type ChatSource } from './chat-records.ts';
import { type Conversation, readConversations, type Rejection } from './conversations.ts';
import { readEntries } from './entries.ts';

/** Records compared and written together; what one query's `in` list may hold. */
const CHUNK_RECORDS = 500;
const CHUNK_CHARACTERS = 4 * 1024 * 1024;

/** A query for records by their ids. */
export interface QueryByIds {
  readonly where: { readonly id: { readonly in: string[] } };
  readonly limit: number;
}

/** What of a daemon's client the import needs. */
export interface ImportTarget extends Pick<Holdfast, 'stream'> {
  collection(name: string): { each(query: QueryByIds): AsyncIterable<{ readonly id: string; readonly doc: unknown }> };
}

/** What came of an import. */
export interface ImportSummary {
  readonly threads: number;
  readonly messages: number;
  /** Records that were new or had changed. */
  readonly written: number;
  /** Records that were there already, just so. */
  readonly unchanged: number;
  readonly rejected: number;
  /** Whether it was told to stop before the end of the file. */
  readonly stopped: boolean;
}

/** Follows an import as it goes. */
export interface ImportWatcher {
  /** More of the file was read. */
  onBytes(bytes: number): void;
  onRejection(rejection: Rejection): void;
  /** Asked between two chunks; true ends the import in good order. */
  isStopped(): boolean;
}

/**
 * Imports the conversations of a file, holding one of them and one chunk of records in memory at a time. Records that
 * are there already with the same document are left alone, so that importing a file again writes nothing.
 *
 * Throws CommandError for an unreadable file, HoldfastError when the node cannot write for now (`disk-full`, …), and
 * what the client throws; what was written until then stays, and the import can be run again.
 */
export async function importChats(
  path: string,
  source: ChatSource,
  target: ImportTarget,
  watcher: ImportWatcher,
): Promise<ImportSummary> {
  const run = new ImportRun(source, target, watcher);
  for await (const result of readConversations(readEntries(path, (bytes) => watcher.onBytes(bytes)))) {
    if (watcher.isStopped()) break;
    if ('rejection' in result) run.reject(result.rejection);
    else await run.add(result.conversation);
  }
  await run.flush();
  return run.summary(watcher.isStopped());
}

class ImportRun {
  readonly #source: ChatSource;
  readonly #target: ImportTarget;
  readonly #watcher: ImportWatcher;
  readonly #seen = new Set<string>();
  readonly #counts = { threads: 0, messages: 0, written: 0, unchanged: 0, rejected: 0 };
  #chunk: ChatRecord[] = [];
  #characters = 0;

  constructor(source: ChatSource, target: ImportTarget, watcher: ImportWatcher) {
    this.#source = source;
    this.#target = target;
    this.#watcher = watcher;
  }

  reject(rejection: Rejection): void {
    this.#counts.rejected += 1;
    this.#watcher.onRejection(rejection);
  }

  async add(conversation: Conversation): Promise<void> {
    const { records, rejections } = chatRecords(conversation, this.#source);
    for (const rejection of rejections) this.reject(rejection);
    const [thread] = records;
    if (thread === undefined) return;
    if (this.#seen.has(thread.id)) {
      this.reject({ ...conversation.place, reason: 'another conversation of the file has the same id' });
      return;
    }
    this.#seen.add(thread.id);
    for (const record of records) await this.#addRecord(record);
  }

  async flush(): Promise<void> {
    const chunk = this.#chunk;
    this.#chunk = [];
    this.#characters = 0;
    if (chunk.length === 0) return;
    const stored = await this.#storedTexts(chunk);
    const changed = chunk.filter((record) => stored.get(keyOf(record)) !== record.text);
    for (const record of chunk) this.#counts[record.collection] += 1;
    this.#counts.unchanged += chunk.length - changed.length;
    if (changed.length > 0) await this.#write(changed);
  }

  summary(stopped: boolean): ImportSummary {
    return { ...this.#counts, stopped };
  }

  async #addRecord(record: ChatRecord): Promise<void> {
    this.#chunk.push(record);
    this.#characters += record.text.length;
    if (this.#chunk.length >= CHUNK_RECORDS || this.#characters >= CHUNK_CHARACTERS) await this.flush();
  }

  async #storedTexts(chunk: readonly ChatRecord[]): Promise<ReadonlyMap<string, string>> {
    const stored = new Map<string, string>();
    for (const [collection, records] of Map.groupBy(chunk, (record) => record.collection)) {
      const query: QueryByIds = { where: { id: { in: records.map(({ id }) => id) } }, limit: CHUNK_RECORDS };
      for await (const { id, doc } of this.#target.collection(collection).each(query)) {
        stored.set(keyOf({ collection, id }), JSON.stringify(doc));
      }
    }
    return stored;
  }

  async #write(records: readonly ChatRecord[]): Promise<void> {
    const operations = records.map(({ collection, id, doc }): Operation => ({ op: 'put', collection, id, doc }));
    const end = await this.#target.stream(operations, { onAnswer: (line) => this.#onAnswer(line, records) });
    if (end.error) throw new HoldfastError(codeOf(end.error.code), end.error.detail);
  }

  #onAnswer(line: BatchLine, records: readonly ChatRecord[]): void {
    if (!('error' in line)) {
      this.#counts.written += 1;
      return;
    }
    const { code, detail } = line.error;
    const place = records[line.line - 1]?.place;
    const known = codeOf(code);
    // Not the record's fault: going on would reject all the rest.
    if (place === undefined || errorCatalogue[known].retryable) throw new HoldfastError(known, detail);
    this.reject({ ...place, reason: `${code}: ${detail}` });
  }
}

function keyOf({ collection, id }: Pick<ChatRecord, 'collection' | 'id'>): string {
  return `${collection}/${id}`;
}

function codeOf(code: string): ErrorCode {
  return errorCodes.find((known) => known === code) ?? 'internal';
}
