import { limits } from '@holdfast/protocol';

/** Part of a listing, and whether there is more behind it. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly isMore: boolean;
}

/**
 * Takes rows until there are `limit` of them or their text reaches `limits.pageBytes`, reading one beyond. So a page is
 * bounded in memory whatever the size of its documents, and always has a row if there is one.
 */
export class PageTaker<Row> implements Page<Row> {
  readonly #limit: number;
  readonly #textOf: (row: Row) => string;
  readonly #rows: Row[] = [];
  #bytes = 0;
  #isMore = false;

  constructor(limit: number, textOf: (row: Row) => string) {
    this.#limit = limit;
    this.#textOf = textOf;
  }

  get rows(): readonly Row[] {
    return this.#rows;
  }

  get isMore(): boolean {
    return this.#isMore;
  }

  /** Takes the next row; false: the page was full, and the row is no part of it. */
  take(row: Row): boolean {
    this.#isMore = this.#rows.length === this.#limit || this.#bytes >= limits.pageBytes;
    if (this.#isMore) return false;
    this.#rows.push(row);
    this.#bytes += this.#textOf(row).length;
    return true;
  }
}

/** Takes a page of rows, as `PageTaker` does. */
export function takePage<Row>(rows: Iterable<Row>, limit: number, textOf: (row: Row) => string): Page<Row> {
  const page = new PageTaker(limit, textOf);
  for (const row of rows) if (!page.take(row)) break;
  return page;
}
