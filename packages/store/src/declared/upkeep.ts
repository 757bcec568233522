import { type Collection, isMemberIndex } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import { jsonPath, type MemberIndex } from '../query/field.ts';
import { indexedValue } from '../query/place.ts';
import { TEXTS_TABLE } from './derived-tables.ts';
import { noteStatistics } from './statistics.ts';
import { addWords, WORDS_FUNCTION } from './words.ts';

/** Stands between the texts of a record, so that no phrase reaches from one into the next. */
const BETWEEN_TEXTS = '\u{E000}';

/** Those over declared fields: no other index has such a name. */
const FROM_INDEXES = "FROM main.sqlite_schema WHERE type = 'index' AND tbl_name = 'records' AND name LIKE '% (%'";
const HAS_INDEX = `EXISTS (SELECT 1 ${FROM_INDEXES})`;

/** How a records table is laid out. */
export interface RecordsLayout {
  /** Its integer key. */
  readonly key: 'seq' | 'position';
  /** Columns every query of a collection has a value for: indexes begin with them. */
  readonly scope: readonly string[];
}

/** How the records table of an agent's file is laid out. */
export const AGENT_LAYOUT: RecordsLayout = { key: 'seq', scope: ['collection', 'resource'] };

/**
 * Keeps what declared fields are found by: an index over each declared list of fields, members of lists, words of texts. The two
 * tables are kept by triggers of this connection, whoever changes a record by it, in the same statement; so every connection that
 * writes to the records must have one of these.
 */
export class DerivedUpkeep {
  readonly #database: Database;
  readonly #layout: RecordsLayout;
  readonly #memberFields: () => Statement;
  readonly #texts: () => Statement;

  /** Begins to keep up the tables that `derivedTables` made. */
  constructor(database: Database, layout: RecordsLayout) {
    this.#database = database;
    this.#layout = layout;
    this.#memberFields = lazily(() => database.prepare('SELECT path, field FROM member_fields WHERE collection = ?'));
    this.#texts = lazily(() =>
      database.prepare("SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE name = 'texts')").pluck(),
    );
  }

  /** Whether there is a table of words: whether a searched field ever was. */
  get hasTexts(): boolean {
    return this.#texts().get() === 1;
  }

  /** The lists of a collection whose members are indexed, by path. */
  memberIndexes(collection: string): ReadonlyMap<string, MemberIndex> {
    const rows = this.#memberFields().all(collection) as { readonly path: string; readonly field: number }[];
    // A path is kept as SQLite's JSON functions take it.
    return new Map(
      rows.map(({ path, field }) => [plainPath(path), { number: field, key: `records.${this.#layout.key}` }]),
    );
  }

  /**
   * Makes what is kept fit the declarations: makes what is missing, out of the records there are, and drops what is not
   * declared any more. Cheap when nothing changed; otherwise it looks at every record of a collection. Needs a transaction.
   */
  fit(collections: readonly Collection[]): void {
    if (!this.mayNeedFit(collections)) return;
    addWords(this.#database);
    this.#fitIndexes(new Map(collections.flatMap((collection) => indexesOf(collection, this.#layout))));
    this.#fitMembers(new Map(collections.map((collection) => [collection.name, memberPaths(collection)])));
    this.#fitTexts(new Map(collections.map(({ name, search = [] }) => [name, search.map(jsonPath)])));
    for (const table of ['members', 'texts'] as const) this.#fitTriggers(table);
  }

  /** Whether `fit` has anything to look at: most files declare nothing, and are opened often. Needs no transaction. */
  mayNeedFit(collections: readonly Collection[]): boolean {
    if (collections.length > 0) return true;
    const any = `SELECT EXISTS (SELECT 1 FROM member_fields) OR EXISTS (SELECT 1 FROM text_fields) OR ${HAS_INDEX}`;
    return this.#database.prepare(any).pluck().get() === 1;
  }

  // They cost every statement that writes records, when it is prepared and when it runs: only a file that needs them has them.
  #fitTriggers(table: DerivedTable): void {
    const count = 'SELECT count(*) FROM temp.sqlite_schema WHERE name = ?';
    const isThere = this.#database.prepare(count).pluck().get(`${table}_updated`) === 1;
    const isNeeded = this.#database.prepare(`SELECT EXISTS (SELECT 1 FROM ${fieldsOf[table]})`).pluck().get() === 1;
    if (isNeeded === isThere) return;
    this.#database.exec(isNeeded ? triggers(table, this.#layout) : dropTriggers(table));
  }

  #fitIndexes(wanted: ReadonlyMap<string, string>): void {
    const present = new Map(
      this.#database.prepare(`SELECT name, sql ${FROM_INDEXES}`).raw().all() as [string, string][],
    );
    for (const [name, definition] of present)
      if (wanted.get(name) !== definition) this.#database.exec(`DROP INDEX "${name}"`);
    const missing = [...wanted].filter(([name, definition]) => present.get(name) !== definition);
    for (const [, definition] of missing) this.#database.exec(definition);
    if (missing.length > 0) noteStatistics(this.#database, [...wanted.keys()]);
  }

  #fitMembers(wanted: ReadonlyMap<string, readonly string[]>): void {
    const present = this.#database.prepare('SELECT field, collection, path FROM member_fields').all() as MemberField[];
    for (const { field, collection, path } of present) {
      if (wanted.get(collection)?.includes(path)) continue;
      this.#database.prepare('DELETE FROM member_fields WHERE field = ?').run(field);
      this.#database.prepare('DELETE FROM members WHERE field = ?').run(field);
    }
    for (const [collection, paths] of wanted)
      for (const path of paths)
        if (!present.some((known) => known.collection === collection && known.path === path))
          this.#addMembers(collection, path);
  }

  #addMembers(collection: string, path: string): void {
    const add = this.#database.prepare('INSERT INTO member_fields (collection, path) VALUES (?, ?)');
    const field = add.run(collection, path).lastInsertRowid;
    this.#database
      .prepare(
        `INSERT INTO members (field, value, record) ${membersOf(this.#layout, 'records', 'records, ')} AND field = ?`,
      )
      .run(field);
  }

  #fitTexts(wanted: ReadonlyMap<string, readonly string[]>): void {
    const present = Map.groupBy(
      this.#database.prepare('SELECT collection, path FROM text_fields').all() as TextField[],
      ({ collection }) => collection,
    );
    for (const name of new Set([...present.keys(), ...wanted.keys()])) {
      const paths = present.get(name)?.map(({ path }) => path) ?? [];
      const wished = wanted.get(name) ?? [];
      if (!areSame(paths, wished)) this.#replaceTexts(name, wished);
    }
  }

  #replaceTexts(collection: string, paths: readonly string[]): void {
    const { key } = this.#layout;
    this.#database.exec(TEXTS_TABLE);
    this.#database
      .prepare(`DELETE FROM texts WHERE rowid IN (SELECT ${key} FROM records WHERE collection = ? AND deleted = 0)`)
      .run(collection);
    this.#database.prepare('DELETE FROM text_fields WHERE collection = ?').run(collection);
    if (paths.length === 0) return;
    const add = this.#database.prepare('INSERT INTO text_fields (collection, path) VALUES (?, ?)');
    for (const path of paths) add.run(collection, path);
    this.#database
      .prepare(
        `INSERT INTO texts (rowid, owner, body) ${textOf(this.#layout, 'records', 'FROM records')} AND owner = ?`,
      )
      .run(collection);
  }
}

/** Statements are prepared when they are first needed: files are opened more often than they are asked such things. */
function lazily(prepare: () => Statement): () => Statement {
  let statement: Statement | undefined;
  return () => (statement ??= prepare());
}

interface MemberField {
  readonly field: number;
  readonly collection: string;
  readonly path: string;
}

type TextField = Omit<MemberField, 'field'>;

/** The definitions of a collection's indexes by their names, which say what they are over. */
function indexesOf(collection: Collection, { scope }: RecordsLayout): [name: string, definition: string][] {
  const { name, fields = {}, indexes = [] } = collection;
  return indexes
    .filter((paths) => !isMemberIndex(fields, paths))
    .map((paths) => {
      const index = `${name} (${paths.join(', ')})`;
      const columns = [...scope, ...paths.map((path) => indexedValue(jsonPath(path))), 'id'];
      const only = `WHERE collection = '${name}' AND deleted = 0`;
      return [index, `CREATE INDEX "${index}" ON records (${columns.join(', ')}) ${only}`];
    });
}

function memberPaths({ fields = {}, indexes = [] }: Collection): string[] {
  return indexes.filter((paths) => isMemberIndex(fields, paths)).map(([path = '']) => jsonPath(path));
}

function plainPath(path: string): string {
  return path.slice(3, -1).replaceAll('"."', '.');
}

function areSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((one) => others.includes(one));
}

type DerivedTable = 'members' | 'texts';

const fieldsOf: Readonly<Record<DerivedTable, string>> = { members: 'member_fields', texts: 'text_fields' };

function triggers(table: DerivedTable, layout: RecordsLayout): string {
  const { add, remove } = changesOf[table](layout);
  return `
    CREATE TEMP TRIGGER ${table}_inserted AFTER INSERT ON main.records BEGIN ${add} END;
    CREATE TEMP TRIGGER ${table}_deleted AFTER DELETE ON main.records BEGIN ${remove} END;
    CREATE TEMP TRIGGER ${table}_updated AFTER UPDATE OF ${layout.key}, doc ON main.records BEGIN ${remove} ${add} END;`;
}

function dropTriggers(table: DerivedTable): string {
  return `DROP TRIGGER ${table}_inserted; DROP TRIGGER ${table}_deleted; DROP TRIGGER ${table}_updated;`;
}

const changesOf: Readonly<Record<DerivedTable, (layout: RecordsLayout) => { add: string; remove: string }>> = {
  members: (layout) => ({
    add: `INSERT INTO members (field, value, record) ${membersOf(layout, 'new')};`,
    remove: `DELETE FROM members WHERE (field, value, record) IN (${membersOf(layout, 'old')});`,
  }),
  texts: (layout) => ({
    add: `INSERT INTO texts (rowid, owner, body) ${textOf(layout, 'new')};`,
    remove: `DELETE FROM texts WHERE rowid = old.${layout.key} AND old.collection IN (SELECT collection FROM text_fields);`,
  }),
};

/** Rows of `members` for a record, or for all of them. A deleted one has no document, and so no members. */
function membersOf({ key }: RecordsLayout, row: 'new' | 'old' | 'records', from = ''): string {
  return `SELECT DISTINCT field, item.value, ${row}.${key} FROM ${from}member_fields, json_each(${row}.doc, member_fields.path) AS item
    WHERE member_fields.collection = ${row}.collection AND json_type(${row}.doc, member_fields.path) = 'array'
    AND item.type IN ('text', 'integer', 'real')`;
}

/** A row of `texts` for a record, or for each: all texts in its searched fields, however deep they stand. */
function textOf({ key }: RecordsLayout, row: 'new' | 'records', from = ''): string {
  const body = `SELECT group_concat(${WORDS_FUNCTION}(item.atom), ' ${BETWEEN_TEXTS} ')
    FROM text_fields, json_tree(${row}.doc, text_fields.path) AS item
    WHERE text_fields.collection = ${row}.collection AND item.type = 'text'`;
  return `SELECT record, owner, body FROM (SELECT ${row}.${key} AS record, ${row}.collection AS owner, (${body}) AS body ${from})
    WHERE body IS NOT NULL`;
}
