import { statSync } from 'node:fs';

import { isSqliteError, translateSqliteError } from './errors.ts';
import { migrate, type Migration } from './migrate.ts';
import { type Database, openDatabase } from './open.ts';

/**
 * Opens a database (`openDatabase`), brings it to the newest schema (`migrate`) and carries over what a crash left in
 * its log, so that the log begins anew: what stands behind its end is then never more than one crash left, which
 * `scanWal` relies on to tell damage from it. Throws what those two throw; nothing is left open then.
 */
export function openMigrated(path: string, migrations: readonly Migration[]): Database {
  const hasLog = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
  const database = openDatabase(path);
  try {
    migrate(database, migrations);
    if (hasLog) emptyLog(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

// Left as it is while another process reads the file and where the disk takes no writes: it is only less clear then.
function emptyLog(database: Database): void {
  const timeoutMs = database.pragma('busy_timeout', { simple: true }) as number;
  database.pragma('busy_timeout = 0');
  try {
    database.pragma('wal_checkpoint(TRUNCATE)');
  } catch (error) {
    if (isSqliteError(error) && /^SQLITE_(FULL|READONLY)/.test(error.code)) return;
    throw translateSqliteError(error, `the log of ${database.name} could not be carried over`);
  } finally {
    database.pragma(`busy_timeout = ${timeoutMs}`);
  }
}
