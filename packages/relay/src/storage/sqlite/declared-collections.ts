import {
  builtInCollection,
  builtInCollections,
  type Collection,
  DECLARATIONS,
  storedDeclaration,
  unionOf,
} from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';
import { DerivedUpkeep, type Names, parseStored } from '@holdfast/store';

interface DeclaredRow {
  readonly name: string;
  readonly doc: string;
}

/**
 * What the agents of the network declared: records of the collection `collections`, as they came. Agents may declare one
 * collection differently; here it is what all of their documents fit. What this version does not understand is left out, and its
 * records are free-form then.
 */
export class DeclaredCollections {
  readonly #upkeep: DerivedUpkeep;
  readonly #rows: Statement;
  readonly #used: Statement;
  #declared: ReadonlyMap<string, Collection> | undefined;
  #known: ReadonlySet<string> = new Set();
  #isFitted = false;

  /** Makes what records are found by fit what is declared; after an upgrade that looks at every record. */
  constructor(database: Database) {
    this.#upkeep = new DerivedUpkeep(database, { key: 'position', scope: ['collection'] });
    this.#rows = database.prepare(
      `SELECT id AS name, doc FROM records WHERE collection = '${DECLARATIONS}' AND resource = '' AND deleted = 0
       ORDER BY version DESC`,
    );
    this.#used = database.prepare('SELECT DISTINCT name FROM collections').pluck();
    database.transaction(() => this.fit())();
  }

  /** A collection as the network has it; undefined for a free-form one. */
  find(name: string): Collection | undefined {
    this.#declared ??= this.#read();
    return (builtInCollection(name) as Collection | undefined) ?? this.#declared.get(name);
  }

  /** Whether there is a table of words. */
  get hasTexts(): boolean {
    return this.#upkeep.hasTexts;
  }

  /** All that are declared. */
  all(): readonly Collection[] {
    this.#declared ??= this.#read();
    return [...(builtInCollections as readonly Collection[]), ...this.#declared.values()];
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

  /** Makes what records are found by fit the declarations. Needs a transaction, after the counts were written down. */
  fit(): void {
    if (this.#isFitted) return;
    this.#known = new Set(this.#used.all() as string[]);
    this.#upkeep.fit([...this.#known].flatMap((name) => this.find(name) ?? []));
    this.#isFitted = true;
  }

  #forget(): void {
    this.#declared = undefined;
    this.#isFitted = false;
  }

  #read(): ReadonlyMap<string, Collection> {
    const read = (this.#rows.all() as DeclaredRow[]).flatMap(({ name, doc }): Collection[] => {
      // Declared by a node before a collection of that name came with Holdfast.
      if (builtInCollection(name) !== undefined) return [];
      const declaration = storedDeclaration(parseStored(doc));
      return declaration === undefined ? [] : [{ ...declaration, name }];
    });
    const byName = Map.groupBy(read, ({ name }) => name);
    return new Map([...byName].map(([name, all]) => [name, unionOf(all as [Collection, ...Collection[]])]));
  }
}
