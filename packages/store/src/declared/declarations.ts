import {
  assertSuccessor,
  builtInCollections,
  type Collection,
  type Declaration,
  DECLARATIONS,
  type Document,
  documentCheck,
  type DocumentCheck,
  documentOf,
  HoldfastError,
  type Issue,
  limits,
  NO_RESOURCE,
  readDeclaration,
  storedDeclaration,
} from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import type { RecordRow } from '../row.ts';
import { parseStored } from '../stored-json.ts';
import type { DerivedUpkeep } from './upkeep.ts';

/** Records that are named when a declaration does not fit them. */
const NAMED_RECORDS = 5;

interface Known {
  readonly collection: Collection;
  readonly check: DocumentCheck;
}

const builtIn: ReadonlyMap<string, Known> = new Map(
  (builtInCollections as readonly Collection[]).map((each) => [each.name, known(each.name, each)]),
);
/** What a free-form collection takes. */
const anyObject = documentCheck({ name: 'free-form' });

/**
 * What is declared of an agent's collections: what ships with Holdfast, and what stands in the file as records of the
 * collection `collections`. In memory it moves and moves back with the transaction.
 */
export class Declarations {
  /** What its records are found by. */
  readonly upkeep: DerivedUpkeep;
  readonly #documents: Statement;
  #declared: ReadonlyMap<string, Known>;
  #used: ReadonlySet<string>;
  #isFitted = false;

  /** Reads what the file has. Throws `file-damaged`. */
  constructor(database: Database, upkeep: DerivedUpkeep) {
    this.upkeep = upkeep;
    this.#documents = database.prepare('SELECT id, doc FROM records WHERE collection = ? AND deleted = 0');
    const stored = this.#documents.all(DECLARATIONS) as { readonly id: string; readonly doc: string }[];
    const read = stored.flatMap(({ id, doc }) => {
      const declaration = storedDeclaration(parseStored(doc));
      return declaration === undefined ? [] : [[id, known(id, declaration)] as const];
    });
    this.#declared = new Map(read);
    this.#used = new Set(database.prepare('SELECT name FROM collections').pluck().all() as string[]);
    if (upkeep.mayNeedFit(this.#collections())) database.transaction(() => this.fit())();
  }

  /** A collection as it is declared; undefined for a free-form one. */
  find(name: string): Collection | undefined {
    return this.#find(name)?.collection;
  }

  /** Whether a collection ships with Holdfast, or was declared here, or has or had records here. */
  knows(name: string): boolean {
    return this.#find(name) !== undefined || this.#used.has(name);
  }

  /** The names of all collections it knows. */
  get names(): ReadonlySet<string> {
    return new Set([...builtIn.keys(), ...this.#declared.keys(), ...this.#used]);
  }

  /** The collections that were declared here, by name. */
  get own(): readonly Collection[] {
    // What was declared before a collection of that name came with Holdfast does not count any more.
    const own = [...this.#declared].filter(([name]) => !builtIn.has(name));
    return own.map(([, { collection }]) => collection);
  }

  /**
   * A document as it is to be written: with defaults, times in one form. Throws `invalid-request` that says what does not
   * fit, and for a declaration also `declaration-conflict`, `too-many-indexes`.
   */
  accept(resource: string, { collection, id }: { collection: string; id: string }, document: Document): Document {
    if (collection === DECLARATIONS) return this.#acceptDeclaration(resource, id, document);
    const check = this.#find(collection)?.check ?? anyObject;
    const { value, issues } = check(document.value);
    if (issues.length > 0) throw refused(collection, issues);
    return value === document.value ? document : documentOf(value, JSON.stringify(value));
  }

  /** Throws `append-only` for a change to a record of a collection whose records are never changed. */
  assertChangeable(name: string, isThere: boolean): void {
    if (isThere && this.find(name)?.conflict === 'append-only')
      throw new HoldfastError('append-only', `records of "${name}" are written once and never changed`);
  }

  /** When a record written now expires, unless the write says otherwise, in milliseconds since 1970; null: never. */
  expiryMs(name: string, nowMs: number): number | null {
    const ttlSeconds = this.find(name)?.ttl;
    return ttlSeconds === undefined ? null : nowMs + ttlSeconds * 1000;
  }

  /** Notes that a record was placed in this transaction. */
  noted({ resource, collection, id, doc }: RecordRow): void {
    if (!this.#used.has(collection)) {
      this.#used = new Set([...this.#used, collection]);
      this.#isFitted = false;
    }
    if (collection !== DECLARATIONS || resource !== NO_RESOURCE) return;
    const declaration = doc === null ? undefined : storedDeclaration(parseStored(doc));
    const declared = new Map(this.#declared);
    if (declaration === undefined) declared.delete(id);
    else declared.set(id, known(id, declaration));
    this.#declared = declared;
    this.#isFitted = false;
  }

  /** Remembers what is declared; the function returned puts it back. */
  savepoint(): () => void {
    const [declared, used] = [this.#declared, this.#used];
    const putBackUpkeep = this.upkeep.savepoint();
    return () => {
      putBackUpkeep();
      if (declared === this.#declared && used === this.#used) return;
      this.#declared = declared;
      this.#used = used;
      this.#isFitted = false;
    };
  }

  /** Makes what records are found by fit them, and what is declared of the collections in use. Needs a transaction. */
  fit(): void {
    this.upkeep.catchUp();
    if (this.#isFitted) return;
    this.upkeep.fit(this.#collections());
    this.#isFitted = true;
  }

  #collections(): Collection[] {
    return [...this.#used].flatMap((name) => this.find(name) ?? []);
  }

  #find(name: string): Known | undefined {
    return builtIn.get(name) ?? this.#declared.get(name);
  }

  #acceptDeclaration(resource: string, name: string, document: Document): Document {
    if (resource !== NO_RESOURCE)
      throw new HoldfastError('forbidden', 'collections are declared for all resources of an agent');
    const declaration = readDeclaration(name, document.value);
    const before = this.#declared.get(name)?.collection;
    if (before !== undefined) assertSuccessor(before, declaration);
    this.#assertRoom(name, declaration);
    this.#assertFits(name, declaration);
    return documentOf(declaration as Document['value'], JSON.stringify(declaration));
  }

  // Of a file that had more before there was a bound, what adds none is taken.
  #assertRoom(name: string, declaration: Declaration): void {
    const counts = new Map(this.own.map((collection) => [collection.name, indexCount(collection)]));
    const [before, after] = [counts.get(name) ?? 0, indexCount(declaration)];
    const others = [...counts.values()].reduce((sum, count) => sum + count, -before);
    if (after <= before || others + after <= limits.agentIndexes) return;
    const detail = `"${name}" declares ${after} and the agent's other collections ${others}; together at most ${limits.agentIndexes}`;
    throw new HoldfastError('too-many-indexes', detail);
  }

  #assertFits(name: string, declaration: Declaration): void {
    const { check } = known(name, declaration);
    const misfits: Issue[] = [];
    let count = 0;
    for (const { id, doc } of this.#documents.iterate(name) as Iterable<{ id: string; doc: string }>) {
      const [issue] = check(parseStored(doc)).issues;
      if (issue === undefined) continue;
      count += 1;
      if (misfits.length < NAMED_RECORDS) misfits.push({ path: `${id}: ${issue.path}`, message: issue.message });
    }
    const [first] = misfits;
    if (first === undefined) return;
    const detail = `${count} of the records there are do not fit: ${first.path}: ${first.message}`;
    throw new HoldfastError('declaration-conflict', detail, { issues: misfits });
  }
}

function indexCount({ indexes = [], search = [] }: Declaration): number {
  return indexes.length + Math.min(search.length, 1);
}

function known(name: string, declaration: Declaration): Known {
  const collection = { ...declaration, name };
  return { collection, check: documentCheck(collection) };
}

function refused(collection: string, issues: readonly Issue[]): HoldfastError {
  const [first] = issues;
  const where = first?.path === '' ? '' : `${first?.path}: `;
  return new HoldfastError('invalid-request', `"${collection}": ${where}${first?.message}`, { issues });
}
