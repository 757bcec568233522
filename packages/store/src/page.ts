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
export function takePage<Row>(rows: Iterable<Row>, limit: number, textOf: (row: Row) => string): Page<Row> {
  const taken: Row[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (taken.length === limit || bytes >= limits.pageBytes) return { rows: taken, isMore: true };
    taken.push(row);
    bytes += textOf(row).length;
  }
  return { rows: taken, isMore: false };
}
