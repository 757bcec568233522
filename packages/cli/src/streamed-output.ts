import { once } from 'node:events';

import type { Json } from '@holdfast/protocol';
import { type Options, stringify } from 'csv-stringify';

/** A row of a table: a value for each column; what is no text stands there as JSON, and null and undefined as nothing. */
export type Cells = readonly (Json | undefined)[];

/** RFC 4180: lines end in CR and LF, quotes stand around what needs them; by itself the library lets half a line end pass. */
const CSV: Options = { record_delimiter: '\r\n', quoted_match: /[\r\n]/ };

/** Prints values, a line of JSON each, no faster than they are read. Stops when nobody reads any more. */
export async function printLines(values: AsyncIterable<unknown>): Promise<void> {
  for await (const value of values) if (!(await write(`${JSON.stringify(value)}\n`))) return;
}

/** Prints values, a line of text each, in the same way. */
export async function printTexts<T>(values: AsyncIterable<T>, textOf: (value: T) => string): Promise<void> {
  for await (const value of values) if (!(await write(`${textOf(value)}\n`))) return;
}

/** Prints rows as CSV, the names of the columns first, no faster than they are read. Stops when nobody reads any more. */
export async function printCsv(rows: AsyncIterable<Cells>): Promise<void> {
  const csv = stringify(CSV);
  for await (const row of rows) {
    csv.write(row.map(textOf));
    if (!(await write(String(csv.read() ?? '')))) return;
  }
  csv.end();
}

function textOf(value: Json | undefined): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Whether there is still somebody who reads. */
async function write(text: string): Promise<boolean> {
  const { stdout } = process;
  if (!stdout.destroyed && text !== '' && !stdout.write(text)) {
    await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch(() => undefined);
  }
  return !stdout.destroyed;
}
