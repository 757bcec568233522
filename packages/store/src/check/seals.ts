import type { Database } from '@holdfast/sqlite';

import { hasColumn } from '../has-column.ts';
import { countUnsealed, type SealedTable } from '../seal.ts';
import type { Problem } from './report.ts';

/** The stream's own row is a figure: it can be counted anew. What stands in these cannot be known any more. */
const TABLES: readonly SealedTable[] = ['idempotency', 'dead_letters', 'fences'];

/** Compares the rows of an agent's file that are no records with their seals; files of earlier schemas have none. */
export function checkSeals(database: Database): Problem[] {
  return TABLES.flatMap((table) => {
    const count = hasColumn(database, table, 'seal') ? countUnsealed(database, table) : 0;
    return count === 0 ? [] : [{ kind: 'seal', count, detail: `rows of ${table} are not what was written` }];
  });
}
