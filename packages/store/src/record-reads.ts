import { limits, type Now } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import type { CollectionCount } from './agent-figures.ts';
import { type Page, takePage } from './page.ts';
import { type StatisticsTally, TALLIED_COLUMNS, type TalliedRecord } from './retention/statistics.ts';
import type { ListedDocument, StoredDocument } from './stored-document.ts';

/** No character sorts above it; so many of them as an id may be long sort above all ids of a prefix. */
const GREATEST_CHARACTER = '\u{10FFFF}';

/** Records summed up in one read. */
const TALLIED_AT_ONCE = 1000;

/** What is listed. */
export interface ListScope {
  readonly resource: string;
  readonly collection: string;
}

/** Which part of it: ids that begin with `prefix`, after the id `after`. */
export interface ListPage {
  readonly prefix: string;
  readonly after: string;
  readonly limit: number;
}

/** Reads an agent's records by their keys, and counts them. Needs no transaction. */
export class RecordReads {
  readonly #now: Now;
  readonly #get: Statement;
  readonly #list: Statement;
  readonly #collections: Statement;
  readonly #tallied: Statement;

  constructor(database: Database, now: Now) {
    this.#now = now;
    this.#get = database.prepare(
      `SELECT version, doc AS text FROM records
       WHERE collection = ? AND resource = ? AND id = ? AND deleted = 0 AND (expires_at IS NULL OR expires_at > ?)`,
    );
    this.#list = database.prepare(
      `SELECT id, version, doc AS text, updated_at AS updatedAtMs, expires_at AS expiresAtMs FROM records
       WHERE collection = ? AND resource = ? AND id > ? AND id >= ? AND id < ?
         AND deleted = 0 AND (expires_at IS NULL OR expires_at > ?)
       ORDER BY id LIMIT ?`,
    );
    this.#collections = database.prepare('SELECT name, records FROM collections ORDER BY name');
    this.#tallied = database.prepare(
      `SELECT seq, ${TALLIED_COLUMNS} FROM records WHERE seq > ? ORDER BY seq LIMIT ${TALLIED_AT_ONCE}`,
    );
  }

  /** One record; undefined when it is not there, deleted or expired. */
  read(resource: string, collection: string, id: string): StoredDocument | undefined {
    return this.#get.get(collection, resource, id, this.#now()) as StoredDocument | undefined;
  }

  /** A page of the records of a collection whose id begins with a prefix, by id. */
  list({ resource, collection }: ListScope, page: ListPage): Page<ListedDocument> {
    const end = page.prefix + GREATEST_CHARACTER.repeat(limits.idLength);
    const bounds = [collection, resource, page.after, page.prefix, end, this.#now(), page.limit + 1];
    return takePage(this.#list.iterate(bounds) as Iterable<ListedDocument>, page.limit, ({ text }) => text);
  }

  /** The collections that have or had records, and how many each has. */
  collections(): CollectionCount[] {
    return this.#collections.all() as CollectionCount[];
  }

  /** Takes the next records above a seq into a sum; gives where it came to. Undefined: that was all. */
  tally(sum: StatisticsTally, afterSeq: number): number | undefined {
    const rows = this.#tallied.all(afterSeq) as (TalliedRecord & { readonly seq: number })[];
    for (const row of rows) sum.add(row);
    return rows.at(-1)?.seq;
  }
}
