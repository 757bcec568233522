import type { Record as PublicRecord } from '@holdfast/protocol';

import type { RecordColumns } from '../row.ts';
import { parseStored } from '../stored-json.ts';
import type { QueryScope } from './compile.ts';
import { project } from './project.ts';
import type { Row } from './row-source.ts';
import { toTimestamp } from './timestamp.ts';

/** What a query of records lists; times are milliseconds. Owner columns are there on the relay only. */
interface ListedColumns extends Omit<RecordColumns, 'seq' | 'deleted' | 'hash' | 'doc'> {
  readonly node?: string;
  readonly agent?: string;
  readonly doc: string;
}

/** A row as a query of records lists it, with the keys it is sorted by. */
export type ListedRow = ListedColumns & Row;

/** The record that a row stands for, or the selected parts of it, as the scope shows it. Throws `file-damaged`. */
export function toPublicRecord(
  row: ListedRow,
  select: readonly string[] | undefined,
  { shown }: Pick<QueryScope, 'shown'>,
): PublicRecord {
  const stored = parseStored(row.doc);
  const document = (shown === undefined ? stored : shown(stored, row.collection)) as PublicRecord['doc'];
  return {
    ...(row.node !== undefined && { node: row.node }),
    ...(row.agent !== undefined && { agent: row.agent }),
    ...(row.resource !== '' && { resource: row.resource }),
    collection: row.collection,
    id: row.id,
    version: row.version,
    created_at: toTimestamp(row.created_at),
    updated_at: toTimestamp(row.updated_at),
    ...(row.expires_at !== null && { expires_at: toTimestamp(row.expires_at) }),
    doc: select === undefined ? document : project(document, select),
  };
}
