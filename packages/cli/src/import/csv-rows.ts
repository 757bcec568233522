import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';

import type { TextLine } from './text-file.ts';

/** A row of a CSV file, or why there is none; `line`: where it begins, from 1. */
export type CsvRow =
  | { readonly line: number; readonly cells: readonly string[] }
  | { readonly line: number; readonly problem: string };

/** Lines one row may have: a quote that is not closed is noticed then. */
const MOST_LINES = 500;
const MOST_CHARACTERS = 1024 * 1024;

const problems: Readonly<Record<string, string>> = {
  INVALID_OPENING_QUOTE: 'a quote stands in a cell that does not begin with one',
  CSV_INVALID_CLOSING_QUOTE: 'something stands behind a closing quote',
  CSV_QUOTE_NOT_CLOSED: 'a quote is not closed',
};

/**
 * The rows of a CSV text, its header first. Only lines that belong together are given to the parser: a broken row costs
 * its own line, and reading goes on with the next one. Commas, semicolons or tabs part the cells, whichever the header
 * has most of.
 */
export async function* csvRows(lines: AsyncIterable<TextLine>): AsyncGenerator<CsvRow> {
  const reader = new RowReader();
  for await (const { line, text } of lines) {
    reader.push({ line, text: text.endsWith('\r') ? text.slice(0, -1) : text });
    yield* reader.take(false);
  }
  yield* reader.take(true);
}

class RowReader {
  #waiting: TextLine[] = [];
  #delimiter: string | undefined;
  #columns: number | undefined;

  push(line: TextLine): void {
    this.#delimiter ??= line.text.trim() === '' ? undefined : delimiterOf(line.text);
    this.#waiting.push(line);
  }

  /** The rows that are whole. `isEnd`: no further line comes. */
  *take(isEnd: boolean): Generator<CsvRow> {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const count = this.#linesOfRow(isEnd);
      if (count === undefined) return;
      if (count === 1 && first.text.trim() === '') {
        this.#waiting.shift();
        continue;
      }
      const row = count === 0 ? { line: first.line, problem: 'a quote is not closed' } : this.#parse(count);
      // What follows a line that is broken may be whole by itself.
      this.#waiting.splice(0, 'problem' in row ? 1 : count);
      yield row;
    }
  }

  /** How many lines the next row has; 0 if its quotes are never closed; undefined while that is not known. */
  #linesOfRow(isEnd: boolean): number | undefined {
    let quotes = 0;
    let characters = 0;
    for (const [index, { text }] of this.#waiting.entries()) {
      quotes += text.split('"').length - 1;
      characters += text.length;
      if (quotes % 2 === 0) return index + 1;
    }
    return isEnd || this.#waiting.length >= MOST_LINES || characters > MOST_CHARACTERS ? 0 : undefined;
  }

  #parse(count: number): CsvRow {
    const lines = this.#waiting.slice(0, count);
    const line = lines[0]?.line ?? 0;
    try {
      const delimiter = this.#delimiter ?? ',';
      const [cells = []] = parse(lines.map(({ text }) => text).join('\n'), { delimiter, relax_column_count: true });
      this.#columns ??= cells.length;
      if (cells.length === this.#columns) return { line, cells };
      return { line, problem: `it has ${cells.length} cells, the header has ${this.#columns}` };
    } catch (error) {
      if (error instanceof CsvError) return { line, problem: problems[error.code] ?? 'it is no CSV' };
      throw error;
    }
  }
}

function delimiterOf(header: string): string {
  const count = (delimiter: string): number => header.split(delimiter).length;
  return [',', ';', '\t'].reduce((best, next) => (count(next) > count(best) ? next : best));
}
