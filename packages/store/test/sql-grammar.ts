import type { SeededRandom } from '@holdfast/testkit';

const ALL = '*';

const sources = [
  ...wordsOf(`
  notes tokens agents records temp.notes main.tokens main.records main.agents main.notes sqlite_schema
  main.sqlite_schema temp.sqlite_schema sqlite_temp_master sqlite_sequence dbstat sqlite_dbpage
  sqlite_stmt view_secret_0 temp.view_secret_1 tokens pragma_database_list`),
  "pragma_table_info('tokens')",
  'json_each(doc)',
  "json_each('[1,2]')",
  'json_tree(\'{"a":[1]}\')',
  "bytecode('SELECT 1')",
];
const viewColumns = ['id', 'doc', 'node', 'expires_at', '*'];
const columns = wordsOf(`id doc hash name deleted rowid value key * sql node agent expires_at`);
const allowed = wordsOf(`max length hex upper json_group_array group_concat typeof quote sum json_quote`);
const functions = wordsOf(`
  load_extension readfile writefile randomblob zeroblob sqlite_version sqlite_source_id random
  last_insert_rowid changes fts3_tokenizer sqlite_compileoption_get sqlite_log unistr eval edit`);
const views = ['notes', 'tokens'];
const others = [
  'PRAGMA user_version',
  'PRAGMA main.wal_checkpoint(TRUNCATE)',
  'PRAGMA writable_schema = ON',
  "PRAGMA temp_store_directory = '.'",
  "ATTACH 'other.db' AS other",
  'DETACH main',
  'VACUUM',
  "VACUUM INTO 'copy.db'",
  'REINDEX',
  'ANALYZE',
  'BEGIN IMMEDIATE',
  'COMMIT',
  'SAVEPOINT s',
  'CREATE TABLE mine (a)',
  'CREATE TEMP TABLE mine AS SELECT hash FROM main.tokens',
  'CREATE TEMP VIEW view_secret_9 AS SELECT hash FROM main.tokens',
  'CREATE TEMP TRIGGER t INSTEAD OF INSERT ON notes BEGIN SELECT 1; END',
  'CREATE VIRTUAL TABLE temp.v USING fts5(a)',
  'CREATE INDEX i ON tokens (hash)',
  'DROP VIEW notes',
  'DROP TABLE main.tokens',
  'ALTER TABLE tokens RENAME TO other',
  "INSERT INTO main.tokens VALUES (9, 'x')",
  'INSERT INTO notes (id) VALUES (1)',
  'REPLACE INTO main.records (id) SELECT hash FROM main.tokens',
  'UPDATE main.tokens SET hash = 1 RETURNING hash',
  'DELETE FROM main.records RETURNING doc',
];

/** A statement at random: most are SELECTs, over views and what is none, some are broken. Each ends soon whatever there is to read. */
export function randomStatement(random: SeededRandom): string {
  const kind = random.integer(1, 10);
  if (kind === 1) return random.pick(others);
  const statement = select(random, 2);
  if (kind === 2) return broken(statement, random);
  if (kind === 3) return `EXPLAIN ${random.pick(['', 'QUERY PLAN '])}${statement}`;
  if (kind === 4) return `${statement}${random.pick(['; SELECT 1', ';', ' -- end', ' /* end', '; DELETE FROM notes'])}`;
  return statement;
}

/** Reads a table by the columns it has. */
function tableSelect(random: SeededRandom): string {
  return random.pick([
    'SELECT hash FROM main.tokens',
    'SELECT id, hash AS doc FROM main.tokens',
    'SELECT node, id FROM main.agents',
    'SELECT count(*) AS id FROM main.agents',
    `SELECT ${ALL} FROM main.records`,
    'SELECT id, doc, deleted FROM main.records WHERE deleted = 1',
  ]);
}

function select(random: SeededRandom, depth: number): string {
  if (random.integer(1, 12) === 1) return tableSelect(random);
  const from = [source(random, depth), ...(random.integer(1, 4) === 1 ? [source(random, depth)] : [])];
  const where = random.integer(1, 3) === 1 ? ` WHERE ${condition(random, depth)}` : '';
  const listed = Array.from({ length: random.integer(1, 3) }, () => expression(random, depth)).join(', ');
  const tail = random.pick(['', '', ' ORDER BY 1', ' GROUP BY 1', ' LIMIT 3']);
  const plain = `SELECT ${listed} FROM ${from.join(random.pick([' JOIN ', ' LEFT JOIN ', ', ']))}${where}`;
  if (depth === 0) return plain;
  const more = random.integer(1, 6);
  if (more === 1)
    return `WITH ${random.pick([...views, 'c', 'view_secret_0'])} AS (${select(random, depth - 1)}) ${plain}${tail}`;
  if (more === 2)
    return `${plain} ${random.pick(['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT'])} ${select(random, depth - 1)}`;
  if (more === 3) {
    const recursion = `SELECT ${random.pick(['1', 'hash', 'doc'])} FROM ${random.pick(sources)} UNION ALL SELECT i FROM c LIMIT 5`;
    return `WITH RECURSIVE c(i) AS (${recursion}) SELECT i FROM c`;
  }
  return plain + tail;
}

function source(random: SeededRandom, depth: number): string {
  const kind = random.integer(1, 8);
  if (depth > 0 && kind === 1)
    return `(${select(random, depth - 1)}) AS ${random.pick([...views, 's', 'view_secret_0'])}`;
  return kind <= 6 ? random.pick(views) : random.pick(sources);
}

function expression(random: SeededRandom, depth: number): string {
  const kind = random.integer(1, 8);
  if (kind <= 2) return random.pick(viewColumns);
  if (kind === 3)
    return random.integer(1, 4) === 1 ? random.pick(columns) : `${random.pick(allowed)}(${random.pick(viewColumns)})`;
  if (kind === 4)
    return random.pick(['1', "'x'", 'NULL', 'count(*)', "doc ->> '$.n'", 'EXISTS (SELECT 1 FROM main.tokens)']);
  if (kind === 5 && depth > 0) return `(${select(random, depth - 1)} LIMIT 1)`;
  return `${random.pick(random.integer(1, 8) === 1 ? functions : allowed)}(${random.pick(viewColumns.slice(0, -1))})`;
}

function condition(random: SeededRandom, depth: number): string {
  const left = expression(random, 0);
  if (depth > 0 && random.integer(1, 3) === 1) return `${left} IN (${select(random, depth - 1)})`;
  return `${left} ${random.pick(['=', '<>', 'IS NOT', 'LIKE', '>'])} ${expression(random, 0)}`;
}

/** With a piece cut out, doubled, or another character in its place. */
function broken(statement: string, random: SeededRandom): string {
  if (statement.includes('RECURSIVE')) return statement;
  const at = random.integer(0, statement.length);
  const end = Math.min(statement.length, at + random.integer(1, 6));
  const piece = random.pick([
    '',
    statement.slice(at, end).repeat(2),
    '"',
    "'",
    ')',
    '(',
    ';',
    '\u0000',
    '--',
    '`tokens`',
  ]);
  return statement.slice(0, at) + piece + statement.slice(end);
}

function wordsOf(text: string): string[] {
  return text.trim().split(/\s+/);
}
