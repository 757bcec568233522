import { join } from 'node:path';

import { openDatabase } from '@holdfast/sqlite';

/** Up to where a node that is not running has read what is addressed to its agents; null: it reads from the beginning. `cursor`: is set before. */
export function arrivalsPlace(directory: string, cursor?: string): unknown {
  const database = openDatabase(join(directory, 'node.db'));
  try {
    if (cursor !== undefined) database.prepare('UPDATE arrivals SET cursor = ?').run(cursor);
    return database.prepare('SELECT cursor FROM arrivals').pluck().get();
  } finally {
    database.close();
  }
}
