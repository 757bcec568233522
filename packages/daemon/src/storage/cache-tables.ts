import { crc32 } from 'node:zlib';

import { HoldfastError } from '@holdfast/protocol';
import { type Database, openDatabase, schemaVersion, type Statement } from '@holdfast/sqlite';

/** The schema. A file that has another is made anew: nothing in it is only there. */
const SCHEMA_VERSION = 1;
const SCHEMA = `
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    agent TEXT NOT NULL,
    resource TEXT NOT NULL,
    key TEXT NOT NULL,
    class TEXT NOT NULL,
    labels TEXT NOT NULL, -- tags and collections, as JSON
    life TEXT, -- of values that depend on collections: the start of the daemon that step counts from
    step INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    sum INTEGER NOT NULL, -- crc32 of the text
    text TEXT NOT NULL,
    UNIQUE (agent, resource, key)
  );
  CREATE INDEX entries_by_end ON entries (expires_at);
  CREATE INDEX entries_by_use ON entries (used_at);
  CREATE INDEX entries_by_life ON entries (life) WHERE life IS NOT NULL;
  CREATE TABLE labels (
    agent TEXT NOT NULL,
    resource TEXT NOT NULL,
    kind TEXT NOT NULL, -- tag or collection
    name TEXT NOT NULL,
    entry INTEGER NOT NULL REFERENCES entries ON DELETE CASCADE,
    PRIMARY KEY (agent, resource, kind, name, entry)
  ) WITHOUT ROWID;
  CREATE INDEX labels_by_entry ON labels (entry);
  PRAGMA user_version = ${SCHEMA_VERSION};`;

/** Rows removed in one statement, so that requests are not kept waiting. */
const REMOVED_AT_ONCE = 200;
/** Values that make room for another go a few at a time: no more of them than it takes. */
const EVICTED_AT_ONCE = 4;
/** A read notes when a value was used, but not more often than so: mostly it only reads. */
const USE_MS = 60_000;
/** No character sorts above it. */
const GREATEST_CHARACTER = '\u{10FFFF}';

/** Whose value it is, and under which key. */
export interface EntryKey {
  readonly agent: string;
  readonly resource: string;
  readonly key: string;
}

/** A value as it stands in the file. */
export interface Entry {
  readonly text: string;
  readonly class: string;
  readonly tags: readonly string[];
  readonly collections: readonly string[];
  readonly step: number;
  readonly expiresAtMs: number;
}

/** What some values have in common. */
export interface EntryGroup extends Omit<EntryKey, 'key'> {
  readonly kind: 'tag' | 'collection' | 'prefix';
  readonly name: string;
}

interface EntryColumns {
  readonly id: number;
  readonly class: string;
  readonly labels: string;
  readonly life: string | null;
  readonly step: number;
  readonly expires_at: number;
  readonly used_at: number;
  readonly sum: number;
  readonly text: string;
}

/** The file of cached values: bounded, and thrown away whenever anything is wrong with it. */
export class CacheTables {
  readonly #database: Database;
  readonly #life: string;
  readonly #mostBytes: number;
  readonly #pageBytes: number;
  readonly #find: Statement;
  readonly #use: Statement;
  readonly #put: Statement;
  readonly #label: Statement;
  readonly #unlabel: Statement;
  readonly #remove: Statement;
  readonly #removeLabelled: Statement;
  readonly #removePrefixed: Statement;
  readonly #removeEnded: Statement;
  readonly #removeUnused: Statement;
  readonly #pages: Statement;
  readonly #write: (key: EntryKey, entry: Entry, nowMs: number) => void;

  /**
   * Opens the file, making it if needed. `life`: the name of this start of the daemon. Throws what `openDatabase` throws, and
   * `schema-newer` for a file with another schema.
   */
  constructor(path: string, { life, mostBytes }: { readonly life: string; readonly mostBytes: number }) {
    const database = openCache(path);
    this.#database = database;
    this.#life = life;
    this.#mostBytes = mostBytes;
    this.#pageBytes = database.pragma('page_size', { simple: true }) as number;
    const prepare = (sql: string): Statement => database.prepare(sql);
    this.#find = prepare(
      `SELECT id, class, labels, life, step, expires_at, used_at, sum, text
       FROM entries WHERE agent = ? AND resource = ? AND key = ?`,
    );
    this.#use = prepare('UPDATE entries SET used_at = ? WHERE id = ?');
    this.#put = prepare(
      `INSERT INTO entries (agent, resource, key, class, labels, life, step, expires_at, used_at, sum, text)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (agent, resource, key) DO UPDATE SET (class, labels, life, step, expires_at, used_at, sum, text) =
         (excluded.class, excluded.labels, excluded.life, excluded.step, excluded.expires_at, excluded.used_at, excluded.sum, excluded.text)
       RETURNING id`,
    ).pluck();
    this.#label = prepare('INSERT OR IGNORE INTO labels (agent, resource, kind, name, entry) VALUES (?, ?, ?, ?, ?)');
    this.#unlabel = prepare('DELETE FROM labels WHERE entry = ?');
    this.#remove = prepare('DELETE FROM entries WHERE agent = ? AND resource = ? AND key = ?');
    const removeThose = (sql: string, most = REMOVED_AT_ONCE): Statement =>
      prepare(`DELETE FROM entries WHERE id IN (${sql} LIMIT ${most})`);
    this.#removeLabelled = removeThose(
      'SELECT entry FROM labels WHERE agent = ? AND resource = ? AND kind = ? AND name = ?',
    );
    this.#removePrefixed = removeThose(
      'SELECT id FROM entries WHERE agent = ? AND resource = ? AND key >= ? AND key < ?',
    );
    this.#removeEnded = removeThose(
      'SELECT id FROM entries WHERE expires_at <= ? UNION ALL SELECT id FROM entries WHERE life IS NOT NULL AND life <> ?',
    );
    this.#removeUnused = removeThose('SELECT id FROM entries ORDER BY used_at', EVICTED_AT_ONCE);
    this.#pages = prepare('SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count').pluck();
    this.#write = database.transaction((key: EntryKey, entry: Entry, nowMs: number) =>
      this.#replace(key, entry, nowMs),
    );
  }

  /** The value under a key. Throws `file-damaged` when it is not what was written. */
  find({ agent, resource, key }: EntryKey, nowMs: number): Entry | undefined {
    const row = this.#find.get(agent, resource, key) as EntryColumns | undefined;
    if (row === undefined || row.expires_at <= nowMs) return undefined;
    // Whether something it depends on was written to meanwhile, only that start knew.
    if (row.life !== null && row.life !== this.#life) return undefined;
    if (crc32(row.text) !== row.sum) throw new HoldfastError('file-damaged', 'a cached value is not what was written');
    if (nowMs - row.used_at >= USE_MS) this.#use.run(nowMs, row.id);
    const labels = JSON.parse(row.labels) as Pick<Entry, 'tags' | 'collections'>;
    return { text: row.text, class: row.class, ...labels, step: row.step, expiresAtMs: row.expires_at };
  }

  /** Keeps a value, and makes room for it: those go that were used the longest time ago. */
  put(key: EntryKey, entry: Entry, nowMs: number): void {
    this.#write(key, entry, nowMs);
    while (this.bytes > this.#mostBytes && this.#removeUnused.run().changes > 0);
  }

  /** Removes the value under a key. */
  remove({ agent, resource, key }: EntryKey): void {
    this.#remove.run(agent, resource, key);
  }

  /** Removes some of a group; false: there are no more. */
  removeSome({ agent, resource, kind, name }: EntryGroup): boolean {
    if (kind !== 'prefix') return this.#removeLabelled.run(agent, resource, kind, name).changes === REMOVED_AT_ONCE;
    const end = name + GREATEST_CHARACTER.repeat(name.length + 1);
    return this.#removePrefixed.run(agent, resource, name, end).changes === REMOVED_AT_ONCE;
  }

  /** Removes some of what has ended; false: there is no more. */
  removeEnded(nowMs: number): boolean {
    return this.#removeEnded.run(nowMs, this.#life).changes === REMOVED_AT_ONCE;
  }

  /** How many bytes of the file are used. */
  get bytes(): number {
    return (this.#pages.get() as number) * this.#pageBytes;
  }

  /** Closes the file. */
  close(): void {
    this.#database.close();
  }

  #replace({ agent, resource, key }: EntryKey, entry: Entry, nowMs: number): void {
    const { text, class: className, tags, collections, step, expiresAtMs } = entry;
    const labels = JSON.stringify({ tags, collections });
    const life = collections.length === 0 ? null : this.#life;
    const owner = [agent, resource] as const;
    const id = this.#put.get(...owner, key, className, labels, life, step, expiresAtMs, nowMs, crc32(text), text);
    this.#unlabel.run(id);
    for (const tag of tags) this.#label.run(...owner, 'tag', tag, id);
    for (const collection of collections) this.#label.run(...owner, 'collection', collection, id);
  }
}

function openCache(path: string): Database {
  const database = openDatabase(path);
  try {
    // No value waits for the disk: what a power cut takes away is computed anew. A crash of the process takes away nothing.
    database.pragma('synchronous = NORMAL');
    const version = schemaVersion(database);
    if (version === 0) database.exec(`BEGIN; ${SCHEMA} COMMIT;`);
    else if (version !== SCHEMA_VERSION) throw new HoldfastError('schema-newer', 'the cache has another schema');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
