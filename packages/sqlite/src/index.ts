export { type DirectoryLock, ensurePrivateDirectory, lockDirectory } from './directory.ts';
export { isSqliteError, translateSqliteError } from './errors.ts';
export { migrate, type Migration, schemaVersion } from './migrate.ts';
export { type Database, openDatabase, type Statement } from './open.ts';
export { dumpSchema } from './schema.ts';
