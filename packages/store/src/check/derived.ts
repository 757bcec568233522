import type { Database, Statement } from '@holdfast/sqlite';

import { definitionOf, type KeptTable, keptTables } from '../declared/kept-tables.ts';
import { rangeIn } from '../declared/derived-range.ts';
import { ALL_KEYS, type KeySpan, portionOf, recordsWithin } from '../declared/portions.ts';
import { addWords } from '../declared/words.ts';
import { hasColumn } from '../has-column.ts';
import type { Pace } from './pace.ts';
import type { FileKind, Problem } from './report.ts';

const TOLD_PLACES = 3;

/** Spans told of at most: the last one goes on to the end of what differs. Keys so near to each other are one span. */
const MAX_SPANS = 1000;
const NEAR_KEYS = 10;

const kept: Readonly<Record<KeptTable['name'], string>> = { members: 'members of lists', texts: 'words' };

/** What comparing members and words with the records came to. */
export interface DerivedFindings {
  readonly problems: readonly Problem[];
  /** All keys for which something else stands than their records give are within these. */
  readonly spans: readonly KeySpan[];
}

/** Nothing is wrong, or there is nothing to compare. */
export const nothingDerived: DerivedFindings = { problems: [], spans: [] };

/**
 * Compares the members of lists and the words that stand for each record with those it gives: which there are, and how many; not in which
 * order words stand. Records beyond the range of a file (`DerivedRange`) are left out. What stands for no record counts too. A portion of records is one read; files of earlier schemas have nothing to compare.
 */
export async function checkDerived(database: Database, kind: FileKind, pace: Pace): Promise<DerivedFindings> {
  if (!hasColumn(database, 'member_fields', 'path')) return nothingDerived;
  const key = kind === 'relay' ? 'position' : 'seq';
  const isRanged = hasColumn(database, 'derived', 'last');
  // What is expected is made in memory, beside a file that is only read.
  database.pragma('temp_store = MEMORY');
  addWords(database);
  const spans: KeySpan[] = [];
  const comparisons = keptTables.map((table) => new Comparison(database, table, key));
  for (let left: KeySpan | undefined = ALL_KEYS; left !== undefined;) {
    const from: KeySpan = left;
    const compare = database.transaction(() => {
      const portion = portionOf(database, key, from);
      const span = isRanged ? overlapOf(portion.span, rangeIn(database)) : portion.span;
      const differing = new Set(comparisons.flatMap((comparison) => comparison.look(span)));
      for (const place of inOrder(differing)) addTo(spans, place);
      return portion;
    });
    const { bytes, rest } = compare();
    await pace(bytes);
    left = rest;
  }
  return { problems: comparisons.flatMap(({ problems }) => problems), spans };
}

/** Of no keys, where spans do not overlap. */
function overlapOf(one: KeySpan, other: KeySpan): KeySpan {
  return { from: Math.max(one.from, other.from), to: Math.min(one.to, other.to) };
}

function inOrder(places: ReadonlySet<number>): number[] {
  return [...places].toSorted((one, other) => one - other);
}

function addTo(spans: KeySpan[], place: number): void {
  const last = spans.at(-1);
  if (last !== undefined && (place - last.to <= NEAR_KEYS || spans.length === MAX_SPANS))
    spans[spans.length - 1] = { from: last.from, to: place };
  else spans.push({ from: place, to: place });
}

/** Compares one kept table, portion by portion. */
class Comparison {
  readonly #database: Database;
  readonly #table: KeptTable;
  readonly #isKept: Statement;
  readonly #expect: Statement;
  readonly #terms: Statement;
  readonly #forget: Statement;
  /** Made when there is a table to compare. */
  #differing: Differing | undefined;
  #count = 0;
  #first: readonly number[] = [];

  constructor(database: Database, table: KeptTable, key: string) {
    this.#database = database;
    this.#table = table;
    const { name, fields, insert } = table;
    const isThere = `EXISTS (SELECT 1 FROM main.sqlite_schema WHERE name = '${name}')`;
    this.#isKept = database.prepare(`SELECT ${isThere} AND EXISTS (SELECT 1 FROM ${fields})`).pluck();
    database.exec(definitionOf(table, 'temp'));
    database.exec(`CREATE VIRTUAL TABLE temp.${name}_terms USING fts5vocab('temp', '${name}', 'row')`);
    // A name without a schema is first of all that of what is expected.
    this.#expect = database.prepare(insert(key, recordsWithin(key)));
    this.#terms = database.prepare(`SELECT term FROM temp.${name}_terms`).pluck();
    this.#forget = database.prepare(`INSERT INTO temp.${name} (${name}) VALUES ('delete-all')`);
  }

  get problems(): Problem[] {
    if (this.#count === 0) return [];
    const detail = `${kept[this.#table.name]} are not those of the records, the first at ${this.#first.join(', ')}`;
    return [{ kind: 'derived', count: this.#count, detail }];
  }

  /** The keys in a span for which something else stands. Needs a transaction. */
  look(span: KeySpan): readonly number[] {
    if (this.#isKept.get() !== 1) return [];
    this.#expect.run(span.from, span.to);
    const differing = inOrder(this.#keysIn(span));
    this.#forget.run();
    this.#count += differing.length;
    if (this.#first.length < TOLD_PLACES) this.#first = [...this.#first, ...differing].slice(0, TOLD_PLACES);
    return differing;
  }

  #keysIn({ from, to }: KeySpan): Set<number> {
    const { sizes, words } = (this.#differing ??= differingOf(this.#database, this.#table.name));
    const differing = new Set(sizes.all({ from, to }) as number[]);
    for (const term of this.#terms.all() as string[]) {
      const match = `"${term.replaceAll('"', '""')}"`;
      for (const place of words.all({ from, to, match }) as number[]) differing.add(place);
    }
    return differing;
  }
}

/** Statements that give keys for which something else is kept than expected, in a span. */
interface Differing {
  /** Another number of words, or nothing, or something where nothing is expected. */
  readonly sizes: Statement;
  /** Without a word that is expected. */
  readonly words: Statement;
}

function differingOf(database: Database, name: KeptTable['name']): Differing {
  const within = 'BETWEEN CAST(:from AS INTEGER) AND CAST(:to AS INTEGER)';
  const there = `SELECT id, sz FROM main.${name}_docsize WHERE id ${within}`;
  const expected = `SELECT id, sz FROM temp.${name}_docsize`;
  const found = (schema: string): string =>
    `SELECT rowid FROM ${schema}.${name} AS kept WHERE kept.${name} MATCH :match`;
  return {
    sizes: database
      .prepare(`SELECT id FROM (${there} EXCEPT ${expected}) UNION SELECT id FROM (${expected} EXCEPT ${there})`)
      .pluck(),
    words: database.prepare(`${found('temp')} EXCEPT ${found('main')} AND rowid ${within}`).pluck(),
  };
}
