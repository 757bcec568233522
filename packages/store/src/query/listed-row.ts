import type { Record as PublicRecord } from '@holdfast/protocol';

import { parseStored } from '../stored-json.ts';
import type { QueryScope } from './compile.ts';
import { project } from './project.ts';
import { type ListedRow, recordHead } from './record-head.ts';
import { toTimestamp } from './timestamp.ts';

/** The record that a row stands for, or the selected parts of it, as the scope shows it. Throws `file-damaged`. */
export function toPublicRecord(
  row: ListedRow,
  select: readonly string[] | undefined,
  { shown }: Pick<QueryScope, 'shown'>,
): PublicRecord {
  const stored = parseStored(row.doc);
  const document = (shown === undefined ? stored : shown(stored, row.collection)) as PublicRecord['doc'];
  return { ...recordHead(row, toTimestamp), doc: select === undefined ? document : project(document, select) };
}
