import {
  builtInCollection,
  builtInCollections,
  type Collection,
  DECLARATIONS,
  storedDeclaration,
  unionOf,
} from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';
import { deriveAnew, DerivedUpkeep, type KeySpan, type Names, parseStored, type Sql } from '@holdfast/store';

import { type Unindexed, withinBound } from './index-bound.ts';

/** Declarations of agents, in SQL. */
const DECLARATION = `collection = '${DECLARATIONS}' AND resource = '' AND deleted = 0`;

/** What there is to say of a collection, beside how much is in it. */
export interface AboutCollection {
  /** What is declared of it; undefined: it is free-form. */
  readonly declared: Collection | undefined;
  /** Declared indexes that are not there, as all collections together have too many. */
  readonly unindexed: readonly (readonly string[])[];
}

interface DeclaredRow {
  readonly name: string;
  readonly doc: string;
  readonly declaredAtMs: number;
}

/**
 * What the agents of the network declared: records of the collection `collections`, as they came. Agents may declare one
 * collection differently; here it is what all of their documents fit. What this version does not understand is left out, and its
 * records are free-form then.
 */
export class DeclaredCollections {
  readonly #database: Database;
  readonly #upkeep: DerivedUpkeep;
  readonly #rows: Statement;
  readonly #used: Statement;
  #declared: ReadonlyMap<string, Collection> | undefined;
  #known: ReadonlySet<string> = new Set();
  readonly #onUnindexed: ((unindexed: Unindexed) => void) | undefined;
  #unindexed: Unindexed = new Map();
  #isFitted = false;

  /**
   * Makes what records are found by fit what is declared; after an upgrade that looks at every record. `onUnindexed`: told whenever
   * other declared indexes than before are not built; none: all are. Must not throw.
   */
  constructor(database: Database, onUnindexed?: (unindexed: Unindexed) => void) {
    this.#onUnindexed = onUnindexed;
    this.#database = database;
    this.#upkeep = new DerivedUpkeep(database, { key: 'position', scope: ['collection'] });
    this.#rows = database.prepare(
      `SELECT id AS name, doc, created_at AS declaredAtMs FROM records WHERE ${DECLARATION} ORDER BY version DESC`,
    );
    this.#used = database.prepare('SELECT DISTINCT name FROM collections').pluck();
    database.transaction(() => this.fit())();
  }

  /** A collection as the network has it; undefined for a free-form one. */
  find(name: string): Collection | undefined {
    this.#declared ??= this.#read();
    return (builtInCollection(name) as Collection | undefined) ?? this.#declared.get(name);
  }

  /** Whether a collection ships with Holdfast, or somebody declared it, or somebody's records are or were of it. */
  knows(name: string): boolean {
    return this.find(name) !== undefined || this.#known.has(name);
  }

  /** The names of all collections it knows. */
  get known(): ReadonlySet<string> {
    return new Set([...this.all().map(({ name }) => name), ...this.#known]);
  }

  /** Whether a collection ships with Holdfast, or is known to one of some agents; `agents`: which, in SQL over that table. */
  isKnownTo(agents: Sql, name: string): boolean {
    if (builtInCollection(name) !== undefined) return true;
    if (!this.knows(name)) return false;
    const knows = `SELECT 1 FROM agents WHERE ${agents.text} AND (
      EXISTS (SELECT 1 FROM collections WHERE agent_id = agents.id AND name = ?)
      OR EXISTS (SELECT 1 FROM records WHERE records.id = ? AND agent_id = agents.id AND ${DECLARATION})) LIMIT 1`;
    return this.#database.prepare(knows).get(...agents.params, name, name) !== undefined;
  }

  /** The names of the collections that ship with Holdfast or are known to one of some agents. */
  knownTo(agents: Sql): string[] {
    const known = `SELECT name FROM collections JOIN agents ON agents.id = agent_id WHERE ${agents.text}
      UNION SELECT records.id FROM records JOIN agents ON agents.id = agent_id WHERE ${DECLARATION} AND ${agents.text}`;
    const names = this.#database.prepare(known).pluck();
    return [
      ...builtInCollections.map(({ name }) => name),
      ...(names.all(...agents.params, ...agents.params) as string[]),
    ];
  }

  /** Whether there is a table of words. */
  get hasTexts(): boolean {
    return this.#upkeep.hasTexts;
  }

  /** All that are declared: those that ship with Holdfast, then others, the first declared first. */
  all(): readonly Collection[] {
    this.#declared ??= this.#read();
    return [...(builtInCollections as readonly Collection[]), ...this.#declared.values()];
  }

  /** What there is to say of a collection, beside how much is in it. */
  about(name: string): AboutCollection {
    return { declared: this.find(name), unindexed: this.#unindexed.get(name) ?? [] };
  }

  /** What names mean in a query of a collection; without one, only those of every record. */
  names(name: string | undefined): Omit<Names, 'columns'> {
    if (name === undefined) return {};
    return { collection: this.find(name), memberIndexes: this.#upkeep.memberIndexes(name) };
  }

  /** Notes that records of a collection were merged. */
  noted(collection: string): void {
    if (collection === DECLARATIONS) this.#forget();
    else if (!this.#known.has(collection)) this.#isFitted = false;
  }

  /** What is read again when a transaction is undone. */
  savepoint(): () => void {
    return () => this.#forget();
  }

  /** Makes what records are found by fit them and the declarations. Needs a transaction, after the counts were written down. */
  fit(): void {
    this.#upkeep.catchUp();
    if (this.#isFitted) return;
    this.#known = new Set(this.#used.all() as string[]);
    const { built, unindexed } = withinBound(this.all().filter(({ name }) => this.#known.has(name)));
    this.#upkeep.fit(built);
    const before = this.#unindexed;
    this.#unindexed = unindexed;
    if (JSON.stringify([...before]) !== JSON.stringify([...unindexed])) this.#onUnindexed?.(unindexed);
    this.#isFitted = true;
  }

  /** See `deriveAnew`. */
  deriveAnew(spans: readonly KeySpan[], write: Parameters<typeof deriveAnew>[2]): Promise<void> {
    return deriveAnew(this.#upkeep, spans, write);
  }

  #forget(): void {
    this.#declared = undefined;
    this.#isFitted = false;
  }

  #read(): ReadonlyMap<string, Collection> {
    const read = (this.#rows.all() as DeclaredRow[]).flatMap(({ name, doc, declaredAtMs }) => {
      // Declared by a node before a collection of that name came with Holdfast.
      if (builtInCollection(name) !== undefined) return [];
      const declaration = storedDeclaration(parseStored(doc));
      return declaration === undefined ? [] : [{ collection: { ...declaration, name }, declaredAtMs }];
    });
    const byName = [...Map.groupBy(read, ({ collection }) => collection.name)].map(([name, all]) => ({
      union: unionOf(all.map(({ collection }) => collection) as [Collection, ...Collection[]]),
      since: [Math.min(...all.map(({ declaredAtMs }) => declaredAtMs)), name] as const,
    }));
    const inOrder = byName.toSorted(({ since: [one, name] }, { since: [other, otherName] }) =>
      one === other ? (name < otherName ? -1 : 1) : one - other,
    );
    return new Map(inOrder.map(({ union }) => [union.name, union]));
  }
}
