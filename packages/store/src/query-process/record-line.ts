import { type ListedRow, recordHead } from '../query/record-head.ts';

const LINE_BREAK = /[\n\r]/;

/** In a row stands what nobody wrote. Its message holds nothing of the row. */
export class DamagedRow extends Error {
  override readonly name = 'DamagedRow';
}

/**
 * The whole record that a row stands for, as a line of NDJSON. The document is sent as it is stored, once it was seen to be JSON:
 * nothing is put together anew. Throws `DamagedRow`.
 */
export function recordLine(row: ListedRow): string {
  const head = JSON.stringify(recordHead(row, timestampOf));
  return `${head.slice(0, -1)},"doc":${onOneLine(row.doc)}}\n`;
}

function onOneLine(text: string): string {
  const document = parsed(text);
  // Between two values a line break is JSON, though documents are stored without.
  return LINE_BREAK.test(text) ? JSON.stringify(document) : text;
}

// The parser's own words quote what they cannot read.
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DamagedRow('something that was stored as JSON is none any more');
  }
}

function timestampOf(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) throw new DamagedRow('a stored time is none');
  return date.toISOString();
}
