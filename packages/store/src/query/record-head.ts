import type { Record as PublicRecord } from '@holdfast/protocol';

import type { RecordColumns } from '../row.ts';
import type { Row } from './row-source.ts';

/** What a query of records lists; times are milliseconds. Owner columns are there on the relay only. */
interface ListedColumns extends Omit<RecordColumns, 'seq' | 'deleted' | 'hash' | 'doc'> {
  readonly node?: string;
  readonly agent?: string;
  readonly doc: string;
}

/** A row as a query of records lists it, with the keys it is sorted by. */
export type ListedRow = ListedColumns & Row;

/** All of a record but its document. `timestampOf` writes milliseconds as a timestamp, and throws for what is no time. */
export function recordHead(row: ListedRow, timestampOf: (ms: number) => string): Omit<PublicRecord, 'doc'> {
  return {
    ...(row.node !== undefined && { node: row.node }),
    ...(row.agent !== undefined && { agent: row.agent }),
    ...(row.resource !== '' && { resource: row.resource }),
    collection: row.collection,
    id: row.id,
    version: row.version,
    created_at: timestampOf(row.created_at),
    updated_at: timestampOf(row.updated_at),
    ...(row.expires_at !== null && { expires_at: timestampOf(row.expires_at) }),
  };
}
