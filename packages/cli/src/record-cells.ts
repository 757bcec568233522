import type { RecordOf } from '@holdfast/client';
import { isJsonObject, type Json } from '@holdfast/protocol';

import type { Cells } from './streamed-output.ts';

type AnyRecord = RecordOf<unknown>;

/** The record's own fields; a field of the document that has such a name is `doc.` and the name. */
const own: ReadonlyMap<string, (record: AnyRecord) => Json | undefined> = new Map([
  ['node', ({ node }) => node],
  ['agent', ({ agent }) => agent],
  ['resource', ({ resource }) => resource],
  ['collection', ({ collection }) => collection],
  ['id', ({ id }) => id],
  ['version', ({ version }) => version],
  ['created_at', ({ created_at }) => created_at],
  ['updated_at', ({ updated_at }) => updated_at],
  ['expires_at', ({ expires_at }) => expires_at],
]);

/**
 * Records as rows, the names of the columns first: those selected, or else whose a record is, its id and the fields of the first
 * record's document. A document that is no object is one column, `doc`.
 */
export async function* recordCells(
  records: AsyncIterable<AnyRecord>,
  select: readonly string[] | undefined,
): AsyncGenerator<Cells> {
  let columns = select;
  if (columns !== undefined) yield columns;
  for await (const record of records) {
    if (columns === undefined) yield (columns = columnsOf(record));
    yield columns.map((name) => (own.get(name) ?? ((from) => inDocument(from, name)))(record));
  }
}

function columnsOf({ node, doc }: AnyRecord): string[] {
  const owners = node === undefined ? [] : ['node', 'agent', 'collection'];
  const fields = isJsonObject(doc as Json) ? Object.keys(doc as object) : ['doc'];
  return [...owners, 'id', ...fields.map((name) => (own.has(name) ? `doc.${name}` : name))];
}

function inDocument({ doc }: AnyRecord, name: string): Json | undefined {
  if (name === 'doc') return doc as Json;
  let value = doc as Json | undefined;
  for (const segment of (name.startsWith('doc.') ? name.slice(4) : name).split('.')) {
    value = value !== undefined && isJsonObject(value) ? value[segment] : undefined;
  }
  return value;
}
