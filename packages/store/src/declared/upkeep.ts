import { type Collection, isMemberIndex } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import { jsonPath, type MemberIndex } from '../query/field.ts';
import { indexedValue } from '../query/place.ts';
import { named } from '../query/sql.ts';
import { ChangedRecords, type Changes, noteChange } from './changed-records.ts';
import type { DerivedRange } from './derived-range.ts';
import { definitionOf, type KeptTable, keptTables, membersTable, textsTable } from './kept-tables.ts';
import { isWithin, type KeySpan, portionOf, recordsWithin } from './portions.ts';
import { noteStatistics } from './statistics.ts';
import { addWords } from './words.ts';

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
 * Keeps what declared fields are found by: an index over each declared list of fields, members of lists, words of texts. What changes is
 * noted by triggers of this connection, whoever changes a record by it; so every connection that writes to the records must have
 * one of these, and `catchUp` before it commits. With a range, members and words of what is written may be behind (`isBehind`): who is
 * about to ask for them calls `catchUpForQuestion`.
 */
export class DerivedUpkeep {
  readonly #database: Database;
  readonly #layout: RecordsLayout;
  readonly #memberFields: () => Statement;
  readonly #texts: () => Statement;
  readonly #keeps: () => Statement;
  readonly #catchUp: Readonly<Record<KeptTable['name'], () => CatchUp>>;
  readonly #range: DerivedRange | undefined;
  /** There once a trigger was made. */
  #changed: ChangedRecords | undefined;

  /** Begins to keep up the tables that `derivedTables` made. Without a range, nothing is ever behind. */
  constructor(database: Database, layout: RecordsLayout, range?: DerivedRange) {
    this.#database = database;
    this.#layout = layout;
    this.#range = range;
    const has = keptTables.map(({ name, fields }) => `EXISTS (SELECT 1 FROM ${fields}) AS ${name}`);
    this.#keeps = lazily(() => database.prepare(`SELECT ${has.join(', ')}`));
    this.#memberFields = lazily(() => database.prepare('SELECT path, field FROM member_fields WHERE collection = ?'));
    this.#texts = lazily(() =>
      database.prepare("SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE name = 'texts')").pluck(),
    );
    const { key } = layout;
    const catchUp = ({ name, insert }: KeptTable): CatchUp => ({
      removeWithin: database.prepare(`DELETE FROM ${name} WHERE ${isWithin('rowid')}`),
      addWithin: database.prepare(insert(key, recordsWithin(key))),
      remove: database.prepare(`DELETE FROM ${name} WHERE rowid IN (SELECT value FROM json_each(?))`),
      // In this order: SQLite takes the keys of a list in JSON to be more than all records.
      add: database.prepare(
        insert(key, `json_each(?) AS changed CROSS JOIN records ON records.${key} = changed.value`),
      ),
    });
    this.#catchUp = { members: lazily(() => catchUp(membersTable)), texts: lazily(() => catchUp(textsTable)) };
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
    this.#fitKept(membersTable, new Map(collections.map((collection) => [collection.name, memberPaths(collection)])));
    this.#fitKept(textsTable, new Map(collections.map(({ name, search = [] }) => [name, search.map(jsonPath)])));
    this.#fitTriggers();
  }

  /** Whether members and words of some records are still to be made. */
  get isBehind(): boolean {
    return this.#changed !== undefined && this.#range?.isBehind === true;
  }

  /**
   * Brings members and words up to date with what changed in this transaction, or leaves them for a later one where a range allows
   * that; all changes together cost much less than each for itself. Needs a transaction, and comes before its commit and before `fit`.
   */
  catchUp(): void {
    const changed = this.#changed?.take();
    if (changed === undefined) return;
    this.#bringUpToDate(changed);
    if (this.#range?.isDue === true) this.#catchUpAll();
  }

  /** Brings members and words up to date so far, for a question within a transaction; `catchUp` is still to come. */
  catchUpSoFar(): void {
    const changed = this.#changed?.look();
    if (changed !== undefined) this.#bringUpToDate(changed);
    this.#catchUpAll();
  }

  /** Makes all that is behind, for a question that waits for it; those that follow soon will not have to. Needs a transaction. */
  catchUpForQuestion(): void {
    this.#catchUpAll();
    this.#range?.keepUp();
  }

  /** Asks as if nothing were behind, and writes nothing down: where the disk takes no writes. Needs no transaction. */
  askUnwritten<Answer>(ask: () => Answer): Answer {
    const putBack = this.savepoint();
    this.#database.exec('BEGIN');
    try {
      this.#catchUpAll();
      return ask();
    } finally {
      this.#database.exec('ROLLBACK');
      putBack();
    }
  }

  /** What is behind moves back with a transaction that is undone. */
  savepoint(): () => void {
    return this.#range?.savepoint() ?? nothingToPutBack;
  }

  /**
   * Makes members and words of the first records in a span anew, out of the records; gives the rest of it, undefined when that was all.
   * What stands there for no record is removed. Needs a transaction.
   */
  deriveAnew(span: KeySpan): KeySpan | undefined {
    addWords(this.#database);
    const { span: portion, rest } = portionOf(this.#database, this.#layout.key, span);
    for (const name of this.#kept()) this.#derive(name, portion);
    return rest;
  }

  /** Whether `fit` has anything to look at: most files declare nothing, and are opened often. Needs no transaction. */
  mayNeedFit(collections: readonly Collection[]): boolean {
    if (collections.length > 0) return true;
    const any = `SELECT EXISTS (SELECT 1 FROM member_fields) OR EXISTS (SELECT 1 FROM text_fields) OR ${HAS_INDEX}`;
    return this.#database.prepare(any).pluck().get() === 1;
  }

  #catchUpAll(): void {
    if (this.#range?.isBehind !== true) return;
    const kept = this.#kept();
    if (kept.length === 0) return;
    for (const span of this.#range.beyond) for (const name of kept) this.#derive(name, span);
    this.#range.takeAll();
  }

  #bringUpToDate({ gone, all, bytes }: Changes): void {
    const range = this.#range;
    const isKept = (key: number): boolean => range === undefined || range.holds(key);
    const [left, changed] = [gone.filter(isKept), all.filter(isKept)];
    if (changed.length > 0) this.#deriveEach(left, changed);
    if (changed.length < all.length) {
      range?.wait({ records: all.length - changed.length, bytes, last: highest(all) });
    }
  }

  #deriveEach(gone: readonly number[], all: readonly number[]): void {
    for (const name of this.#kept()) {
      const { remove, add } = this.#catchUp[name]();
      if (gone.length > 0) remove.run(JSON.stringify(gone));
      add.run(JSON.stringify(all));
    }
  }

  #derive(name: KeptTable['name'], { from, to }: KeySpan): void {
    const { removeWithin, addWithin } = this.#catchUp[name]();
    removeWithin.run(from, to);
    addWithin.run(from, to);
  }

  // Asked anew: a transaction that was undone may have made a table, or dropped what stands in one.
  #kept(): KeptTable['name'][] {
    const keeps = this.#keeps().get() as Readonly<Record<KeptTable['name'], number>>;
    return keptTables.map(({ name }) => name).filter((name) => keeps[name] === 1);
  }

  // They cost every statement that writes records, when it is prepared and when it runs: only a file that needs them has them.
  #fitTriggers(): void {
    const fields = 'SELECT collection FROM member_fields UNION SELECT collection FROM text_fields ORDER BY collection';
    const collections = this.#database.prepare(fields).pluck().all() as string[];
    const condition = `IN (${collections.map(named).join(', ')})`;
    const present = this.#database
      .prepare("SELECT sql FROM temp.sqlite_schema WHERE name = 'record_updated'")
      .pluck()
      .get() as string | undefined;
    const isNeeded = collections.length > 0;
    if (isNeeded ? present?.includes(condition) : present === undefined) return;
    if (isNeeded) this.#changed ??= new ChangedRecords(this.#database);
    this.#database.exec(DROP_TRIGGERS + (isNeeded ? triggers(this.#layout, condition) : ''));
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

  #fitKept(table: KeptTable, wanted: ReadonlyMap<string, readonly string[]>): void {
    const present = Map.groupBy(
      this.#database.prepare(`SELECT collection, path FROM ${table.fields}`).all() as KeptField[],
      ({ collection }) => collection,
    );
    for (const name of new Set([...present.keys(), ...wanted.keys()])) {
      const paths = present.get(name)?.map(({ path }) => path) ?? [];
      const wished = wanted.get(name) ?? [];
      if (!areSame(paths, wished)) this.#replace(table, name, wished);
    }
  }

  #replace(table: KeptTable, collection: string, paths: readonly string[]): void {
    const { name, fields, insert } = table;
    const { key } = this.#layout;
    this.#database.exec(definitionOf(table));
    this.#database
      .prepare(`DELETE FROM ${name} WHERE rowid IN (SELECT ${key} FROM records WHERE collection = ? AND deleted = 0)`)
      .run(collection);
    this.#database.prepare(`DELETE FROM ${fields} WHERE collection = ?`).run(collection);
    if (paths.length === 0) return;
    const add = this.#database.prepare(`INSERT INTO ${fields} (collection, path) VALUES (?, ?)`);
    for (const path of paths) add.run(collection, path);
    this.#database.prepare(`${insert(key, 'records')} AND owner = ?`).run(collection);
  }
}

/** Statements that bring a table up to date: given a span of keys, or keys as a list in JSON. */
interface CatchUp {
  readonly removeWithin: Statement;
  readonly addWithin: Statement;
  readonly remove: Statement;
  readonly add: Statement;
}

interface KeptField {
  readonly collection: string;
  readonly path: string;
}

/** Statements are prepared when they are first needed: files are opened more often than they are asked such things. */
function lazily<Prepared>(prepare: () => Prepared): () => Prepared {
  let prepared: Prepared | undefined;
  return () => (prepared ??= prepare());
}

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

const DROP_TRIGGERS = ['inserted', 'deleted', 'updated']
  .map((each) => `DROP TRIGGER IF EXISTS temp.record_${each};`)
  .join('');

function highest(keys: readonly number[]): number {
  return keys.reduce((one, other) => Math.max(one, other));
}

const BYTES = 'ifnull(octet_length(new.doc), 0)';

function nothingToPutBack(): void {
  // Nothing is ever behind.
}

/** What notes changes of records whose collection is among some. */
function triggers({ key }: RecordsLayout, amongCollections: string): string {
  return `
    CREATE TEMP TRIGGER record_inserted AFTER INSERT ON main.records WHEN new.collection ${amongCollections}
      BEGIN ${noteChange('NULL', `new.${key}`, BYTES)} END;
    CREATE TEMP TRIGGER record_deleted AFTER DELETE ON main.records WHEN old.collection ${amongCollections}
      BEGIN ${noteChange(`old.${key}`, 'NULL', '0')} END;
    CREATE TEMP TRIGGER record_updated AFTER UPDATE OF ${key}, doc ON main.records WHEN old.collection ${amongCollections}
      BEGIN ${noteChange(`old.${key}`, `new.${key}`, BYTES)} END;`;
}
