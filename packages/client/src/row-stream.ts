import type { SqlAnswer, SqlEnd } from '@holdfast/protocol';

import type { LineAnswer } from './line-caller.ts';
import { unexpectedAnswer } from './problem.ts';

/** A row of a statement's answer: its values in the order of the columns. */
export type SqlRow = SqlAnswer['rows'][number];

/** The answer to a statement as it comes: the columns, then the rows. */
export interface StreamedRows {
  readonly columns: readonly string[];
  /** Returns whether there were more than one answer has. To be read to its end, or left with `return`. */
  readonly rows: AsyncGenerator<SqlRow, { readonly truncated: boolean }>;
}

/** Reads the columns of an answer that streams rows. */
export async function streamedRows(lines: LineAnswer): Promise<StreamedRows> {
  const { value, done } = await lines.next();
  if (done === true || !isHead(value)) throw unexpectedAnswer(200, 'no columns where a statement was asked');
  return { columns: value.columns, rows: lines as AsyncGenerator<SqlRow, SqlEnd> };
}

function isHead(line: unknown): line is { readonly columns: readonly string[] } {
  return typeof line === 'object' && line !== null && 'columns' in line && Array.isArray(line.columns);
}
