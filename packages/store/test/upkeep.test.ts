import type { Collection } from '@holdfast/protocol';
import { migrate, openDatabase } from '@holdfast/sqlite';
import { agentMigrations, DerivedUpkeep } from '@holdfast/store';
import { temporaryDirectory } from '@holdfast/testkit';
import { expect, test } from 'vitest';

const leads = {
  name: 'leads',
  fields: { tags: { type: 'list' }, text: { type: 'text' } },
  indexes: [['tags']],
  search: ['text'],
} satisfies Collection;
const people = { ...leads, name: 'people' };

test('what keeps members and words is made again after a transaction that made it was undone', async () => {
  await using directory = await temporaryDirectory();
  const database = openDatabase(directory.file('agent.db'));
  migrate(database, agentMigrations);
  const upkeep = new DerivedUpkeep(database, { key: 'seq', scope: ['collection', 'resource'] });
  const insert = database.prepare(
    `INSERT INTO records (seq, resource, collection, id, version, created_at, updated_at, deleted, hash, doc)
     VALUES (?, '', ?, ?, 'v', 0, 0, 0, 'h', '{"tags":["x"],"text":"kelp"}')`,
  );
  const write = (
    seq: number,
    collection: string,
    collections: Parameters<DerivedUpkeep['fit']>[0],
    end: string,
  ): void => {
    database.exec('BEGIN');
    insert.run(seq, collection, `r-${seq}`);
    upkeep.catchUp();
    upkeep.fit(collections);
    database.exec(end);
  };
  write(1, 'leads', [leads], 'ROLLBACK');
  write(1, 'leads', [leads], 'COMMIT');
  write(2, 'people', [leads, people], 'ROLLBACK');
  write(2, 'people', [leads, people], 'COMMIT');
  write(3, 'people', [leads, people], 'COMMIT');
  write(4, 'leads', [people], 'ROLLBACK');
  write(4, 'leads', [leads, people], 'COMMIT');
  const found = (table: string, word: string): unknown[] =>
    database.prepare(`SELECT rowid FROM ${table} WHERE ${table} MATCH ? ORDER BY rowid`).pluck().all(word);
  expect(found('texts', 'kelp')).toEqual([1, 2, 3, 4]);
  expect(found('members', 'f1t78 OR f2t78')).toEqual([1, 2, 3, 4]);
  write(5, 'leads', [people], 'COMMIT');
  write(6, 'people', [people], 'COMMIT');
  expect(found('texts', 'kelp')).toEqual([2, 3, 6]);
  database.close();
});
