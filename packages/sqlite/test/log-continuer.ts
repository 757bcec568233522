import BetterSqlite3 from 'better-sqlite3';

// A process of its own that goes on in the log a crash left: one more transaction, over so many pages, and then it waits
// to be killed.
const [path = '', pages = ''] = process.argv.slice(2);
const database = new BetterSqlite3(path);
database.pragma('synchronous = FULL');
database.pragma('wal_autocheckpoint = 0');
const pageBytes = database.pragma('page_size', { simple: true }) as number;
database.prepare('INSERT INTO rows (filling) VALUES (zeroblob(?))').run(Number(pages) * pageBytes);
process.stdout.write('ready\n');
// Nobody else refers to the database, and one that nobody refers to is closed.
setInterval(() => database.open, 60_000);
