import type { Row } from '../query/row-source.ts';
import type { SqlValue } from '../query/sql.ts';

/** The values of a row by the names of its columns. Without a pair for each value: streams have millions of them. */
export function namedRow(columns: readonly string[], values: readonly SqlValue[]): Row {
  const row: Record<string, SqlValue> = {};
  for (let index = 0; index < columns.length; index += 1) row[columns[index] ?? ''] = values[index] ?? null;
  return row;
}
