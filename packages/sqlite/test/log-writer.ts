import { copyFileSync } from 'node:fs';

import BetterSqlite3 from 'better-sqlite3';

// A process of its own that fills a write-ahead log and keeps the database open until it is killed, so that the log is
// what a crash leaves. Each transaction adds one row, over one page or several. `older`: transactions of an earlier
// generation of the log, which is then begun anew over them. `<path>-before` is
// the log as it was before the last transaction.
const [path = '', pageBytes = '', older = '', olderPages = '', transactions = ''] = process.argv.slice(2);
const database = new BetterSqlite3(path);
database.pragma(`page_size = ${pageBytes}`);
database.pragma('journal_mode = WAL');
database.pragma('synchronous = FULL');
database.pragma('wal_autocheckpoint = 0');
database.exec('CREATE TABLE rows (number INTEGER PRIMARY KEY, filling BLOB NOT NULL)');
database.pragma('wal_checkpoint(TRUNCATE)');
const insert = database.prepare('INSERT INTO rows (filling) VALUES (zeroblob(?))');
for (let number = 0; number < Number(older); number += 1) insert.run((number % Number(olderPages)) * Number(pageBytes));
database.pragma('wal_checkpoint(PASSIVE)');
for (let number = 0; number < Number(transactions); number += 1) {
  if (number === Number(transactions) - 1) copyFileSync(`${path}-wal`, `${path}-before`);
  insert.run((number % 3) * Number(pageBytes));
}
process.stdout.write('ready\n');
// Nobody else refers to the database, and one that nobody refers to is closed.
setInterval(() => database.open, 60_000);
