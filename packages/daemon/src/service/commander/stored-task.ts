import type { BuiltInDocuments } from '@holdfast/protocol';
import { parseStored, type RecordsTransaction } from '@holdfast/store';

const COLLECTION = 'tasks';

/** A task's document. */
export type TaskDocument = BuiltInDocuments['tasks'];

/** A task as it stands in its agent's file. */
export interface StoredTask {
  readonly id: string;
  readonly document: TaskDocument;
}

/** Reads a task; undefined when there is none. */
export function readTask(records: RecordsTransaction, id: string): StoredTask | undefined {
  const stored = records.read(COLLECTION, id);
  return stored && { id, document: parseStored(stored.text) as TaskDocument };
}

/** Finds the tasks that need one and are not begun. */
export function findDependents(records: RecordsTransaction, id: string, limit: number): StoredTask[] {
  const where = { dependencies: { hasAny: [id] }, status: { in: ['pending', 'waiting'] } };
  const answer = records.query(COLLECTION, { where, limit });
  const found = 'records' in answer ? answer.records : [];
  return found.map((record) => ({ id: record.id, document: record.doc as TaskDocument }));
}

/** The first tasks along an index, see `walkIndex`. */
export function takeTasks(records: RecordsTransaction, ...walk: Parameters<RecordsTransaction['walk']>): StoredTask[] {
  return records.walk(...walk).map(({ id, text }) => ({ id, document: parseStored(text) as TaskDocument }));
}

/** Changes parts of a task; what is null is taken away. Returns it as it is then. */
export function changeTask(
  records: RecordsTransaction,
  { id, document }: StoredTask,
  change: Partial<TaskDocument>,
): StoredTask {
  const kept = Object.entries({ ...document, ...change }).filter(([, value]) => value !== null && value !== undefined);
  const after = Object.fromEntries(kept) as TaskDocument;
  records.put(COLLECTION, id, after, { kind: 'present' });
  return { id, document: after };
}
