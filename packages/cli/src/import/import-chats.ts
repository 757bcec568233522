import type { Operation } from '@holdfast/protocol';

import { type ChatRecord, chatRecords, type ChatSource } from './chat-records.ts';
import { type Conversation, readConversations, type Rejection } from './conversations.ts';
import { readEntries } from './entries.ts';
import { type ImportTarget, RecordChunks } from './record-chunks.ts';

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
  readonly #watcher: ImportWatcher;
  readonly #records: RecordChunks<ChatRecord>;
  readonly #seen = new Set<string>();
  readonly #counts = { threads: 0, messages: 0, rejected: 0 };

  constructor(source: ChatSource, target: ImportTarget, watcher: ImportWatcher) {
    this.#source = source;
    this.#watcher = watcher;
    this.#records = new RecordChunks({
      target,
      operation: putIfChanged,
      onRefusal: ({ place }, reason) => this.reject({ ...place, reason }),
    });
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
    for (const record of records) {
      this.#counts[record.collection] += 1;
      await this.#records.add(record);
    }
  }

  async flush(): Promise<void> {
    await this.#records.flush();
  }

  summary(stopped: boolean): ImportSummary {
    const { rejected, ...counts } = this.#counts;
    return { ...counts, ...this.#records.counts, rejected, stopped };
  }
}

function putIfChanged({ collection, id, doc, text }: ChatRecord, stored: unknown): Operation | undefined {
  return stored !== undefined && JSON.stringify(stored) === text ? undefined : { op: 'put', collection, id, doc };
}
