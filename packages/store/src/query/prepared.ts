import type { Database, Statement } from '@holdfast/sqlite';

/** Statements kept for a connection: those of the queries that are asked again and again. */
const KEPT_STATEMENTS = 16;

const kept = new WeakMap<Database, Map<string, Statement>>();

/** A statement of a query, prepared before if it was asked of late. SQLite prepares it anew by itself when a schema changed. */
export function prepared(database: Database, text: string): Statement {
  const statements = kept.get(database) ?? new Map<string, Statement>();
  kept.set(database, statements);
  const statement = statements.get(text) ?? database.prepare(text);
  // The last one asked for stands last.
  statements.delete(text);
  statements.set(text, statement);
  const [oldest] = statements.keys();
  if (statements.size > KEPT_STATEMENTS && oldest !== undefined) statements.delete(oldest);
  return statement;
}
