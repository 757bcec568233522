import type { Holdfast } from '@holdfast/client';
import {
  type BatchLine,
  errorCatalogue,
  type ErrorCode,
  errorCodes,
  HoldfastError,
  type Operation,
} from '@holdfast/protocol';

/** Records compared and written together; what one query's `in` list may hold. */
const CHUNK_RECORDS = 500;
const CHUNK_CHARACTERS = 4 * 1024 * 1024;

/** A query for records by their ids. */
export interface QueryByIds {
  readonly where: { readonly id: { readonly in: string[] } };
  readonly limit: number;
}

/** What of a daemon's client an import needs. */
export interface ImportTarget extends Pick<Holdfast, 'stream'> {
  collection(name: string): { each(query: QueryByIds): AsyncIterable<{ readonly id: string; readonly doc: unknown }> };
}

/** A record to be written. */
export interface ImportedRecord {
  readonly collection: string;
  readonly id: string;
  /** The document as it is stored, for its size and for comparing. */
  readonly text: string;
}

/** How an import writes its records. */
export interface ChunkOptions<Kept extends ImportedRecord> {
  readonly target: ImportTarget;
  /** What to do about a record; `stored`: the document that is there. Undefined: it is there just so. */
  readonly operation: (record: Kept, stored: unknown) => Operation | undefined;
  /** Told of a record the node refuses. */
  readonly onRefusal: (record: Kept, reason: string) => void;
  /** Count what would be written, and write nothing. Default false. */
  readonly isDryRun?: boolean | undefined;
}

/** Writes records of an import, a chunk of them in memory at a time. What is there already, just so, is left alone. */
export class RecordChunks<Kept extends ImportedRecord> {
  readonly #options: ChunkOptions<Kept>;
  readonly #counts = { written: 0, unchanged: 0 };
  #chunk: Kept[] = [];
  #characters = 0;

  constructor(options: ChunkOptions<Kept>) {
    this.#options = options;
  }

  /** Records that were new or had changed, and those that were there just so, as far as they were looked at. */
  get counts(): { readonly written: number; readonly unchanged: number } {
    return { ...this.#counts };
  }

  /** Takes a record; writes the chunk when it is full. Throws what `flush` throws. */
  async add(record: Kept): Promise<void> {
    this.#chunk.push(record);
    this.#characters += record.text.length;
    if (this.#chunk.length >= CHUNK_RECORDS || this.#characters >= CHUNK_CHARACTERS) await this.flush();
  }

  /** Writes what waits. Throws HoldfastError when the node cannot write for now, and what the client throws. */
  async flush(): Promise<void> {
    const chunk = this.#chunk;
    this.#chunk = [];
    this.#characters = 0;
    if (chunk.length === 0) return;
    const stored = await this.#stored(chunk);
    const changes = chunk.flatMap((record) => {
      const operation = this.#options.operation(record, stored.get(keyOf(record)));
      return operation === undefined ? [] : [{ record, operation }];
    });
    this.#counts.unchanged += chunk.length - changes.length;
    if (this.#options.isDryRun === true) this.#counts.written += changes.length;
    else if (changes.length > 0) await this.#write(changes);
  }

  async #stored(chunk: readonly Kept[]): Promise<ReadonlyMap<string, unknown>> {
    const stored = new Map<string, unknown>();
    for (const [collection, records] of Map.groupBy(chunk, (record) => record.collection)) {
      const query: QueryByIds = { where: { id: { in: records.map(({ id }) => id) } }, limit: CHUNK_RECORDS };
      for await (const { id, doc } of this.#options.target.collection(collection).each(query)) {
        stored.set(keyOf({ collection, id }), doc);
      }
    }
    return stored;
  }

  async #write(changes: readonly { readonly record: Kept; readonly operation: Operation }[]): Promise<void> {
    const operations = changes.map(({ operation }) => operation);
    const onAnswer = (line: BatchLine): void => this.#onAnswer(line, changes[line.line - 1]?.record);
    const end = await this.#options.target.stream(operations, { onAnswer });
    if (end.error) throw new HoldfastError(codeOf(end.error.code), end.error.detail);
  }

  #onAnswer(line: BatchLine, record: Kept | undefined): void {
    if (!('error' in line)) {
      this.#counts.written += 1;
      return;
    }
    const { code, detail } = line.error;
    const known = codeOf(code);
    // Not the record's fault: going on would reject all the rest.
    if (record === undefined || errorCatalogue[known].retryable) throw new HoldfastError(known, detail);
    this.#options.onRefusal(record, `${code}: ${detail}`);
  }
}

function keyOf({ collection, id }: Pick<ImportedRecord, 'collection' | 'id'>): string {
  return `${collection}/${id}`;
}

function codeOf(code: string): ErrorCode {
  return errorCodes.find((known) => known === code) ?? 'internal';
}
