import { openMigrated } from '@holdfast/sqlite';

import { agentMigrations } from '../migrations/index.ts';
import { RECORD_COLUMNS, type RecordColumns, type RecordRow, rowOfColumns } from '../row.ts';

/** Records in one page: some milliseconds of work. */
const PAGE_ROWS = 1000;

/** All records of an agent's file that nobody uses, in seq order, a page at a time. Throws what `openMigrated` throws. */
export function* pagesOfFile(path: string): Generator<readonly RecordRow[]> {
  const database = openMigrated(path, agentMigrations);
  try {
    const page = database.prepare(
      `SELECT ${RECORD_COLUMNS} FROM records WHERE seq > ? ORDER BY seq LIMIT ${PAGE_ROWS}`,
    );
    for (let after = 0; ;) {
      const rows = page.all(after) as RecordColumns[];
      if (rows.length === 0) return;
      yield rows.map((columns) => rowOfColumns(columns));
      after = rows.at(-1)?.seq ?? after;
    }
  } finally {
    database.close();
  }
}
