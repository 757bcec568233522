import type { QueryPlan } from '@holdfast/protocol';
import type { Database } from '@holdfast/sqlite';

import type { Sql } from './sql.ts';

/** How SQLite would run a query; it is not run. */
export function planOf(database: Database, { text, params }: Sql): QueryPlan {
  const rows = database.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...params) as { readonly detail: string }[];
  const steps = rows.map(({ detail }) => detail);
  const indexes = steps.flatMap((step) => /USING (?:COVERING )?INDEX (\S+(?: \([^()=]*\))?)/.exec(step)?.[1] ?? []);
  return { steps, indexes: [...new Set(indexes)] };
}
