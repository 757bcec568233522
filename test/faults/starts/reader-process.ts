import { openForReading } from '@holdfast/sqlite';

// Holds a snapshot of a database open until it is killed: while it does, no checkpoint comes past it and the log grows.

const [path = ''] = process.argv.slice(2);
const database = openForReading(path);
database.exec('BEGIN');
database.prepare('SELECT count(*) FROM records').get();
process.stdout.write('reads\n');
setInterval(() => database.open, 1000);
