import { type BuiltInDocuments, documentOf, type Json, type Query } from '@holdfast/protocol';
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

/** Finds tasks. */
export function findTasks(records: RecordsTransaction, query: Query): StoredTask[] {
  const answer = records.query(COLLECTION, query);
  const found = 'records' in answer ? answer.records : [];
  return found.map(({ id, doc }) => ({ id, document: doc as TaskDocument }));
}

/** Changes parts of a task; what is null is taken away. Returns it as it is then. */
export function changeTask(
  records: RecordsTransaction,
  { id, document }: StoredTask,
  change: Partial<TaskDocument>,
): StoredTask {
  const kept = Object.entries({ ...document, ...change }).filter(([, value]) => value !== null && value !== undefined);
  const after = Object.fromEntries(kept) as TaskDocument;
  const text = JSON.stringify(after);
  records.write({ op: 'put', collection: COLLECTION, id, document: documentOf(after as Json, text), expiresAtMs: null });
  return { id, document: after };
}
