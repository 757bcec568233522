import { cpSync } from 'node:fs';

import { HoldfastError, type Query } from '@holdfast/protocol';
import { migrate, migrateDown, openDatabase, schemaVersion, unguarded } from '@holdfast/sqlite';
import { agentMigrations, checkFile } from '@holdfast/store';
import { describe, expect, test } from 'vitest';

import { patch, put, remove, TestAgent } from './fixture.ts';
import { agent, directory, useAgent } from './use-agent.ts';

useAgent();

const leads = {
  fields: { tags: { type: 'list' }, text: { type: 'text' } },
  indexes: [['tags']],
  search: ['text'],
};

const byWord = { search: 'kelp' };
const byMember = { where: { tags: { hasAll: ['sea'] } } };

const lead = (id: string): ReturnType<typeof put> => put('leads', id, { tags: ['sea'], text: `kelp ${id}` });

/** The ids a query finds. */
function found(query: Query, of: TestAgent = agent): string[] {
  const answer = of.store.query('', 'leads', query);
  return 'records' in answer ? answer.records.map(({ id }) => id) : [];
}

/** How many records have words in the file, as it stands on the disk. */
function withWords(path: string = agent.path): unknown {
  const database = openDatabase(path);
  try {
    return database.prepare('SELECT count(*) FROM texts_docsize').pluck().get();
  } finally {
    database.close();
  }
}

async function writeSome(): Promise<void> {
  await agent.write(put('collections', 'leads', leads));
  for (const id of ['a', 'b', 'c']) await agent.write(lead(id));
}

describe('members and words that are made later than their records are written', () => {
  test('are there for whoever asks', async () => {
    await writeSome();
    // The first record of a collection is what its tables are made with.
    expect(withWords()).toBe(1);
    expect([found(byWord), found(byMember)]).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ]);
    expect(withWords()).toBe(3);
    await agent.write(lead('d'));
    await agent.write(patch('leads', 'a', { text: 'nothing' }));
    await agent.write(remove('leads', 'b'));
    expect([found(byWord), found(byMember)]).toEqual([
      ['c', 'd'],
      ['a', 'c', 'd'],
    ]);
    expect(agent.store.lookups.memberTexts('leads', 'tags')).toEqual(['sea']);
    expect(await checkFile(agent.path, 'agent')).toMatchObject({ state: 'sound', problems: [] });
  });

  test('are made at once for a while where somebody asks between writes', async () => {
    await writeSome();
    expect(found(byWord)).toHaveLength(3);
    for (let n = 0; n < 250; n += 1) await agent.write(lead(`r-${n}`));
    expect(withWords()).toBe(253);
    for (let n = 250; n < 300; n += 1) await agent.write(lead(`r-${n}`));
    expect(withWords()).toBeLessThan(303);
    expect(found({ ...byWord, limit: 1000 })).toHaveLength(303);
  });

  test('are made in the end also when nobody asks', async () => {
    await agent.write(put('collections', 'leads', leads));
    for (let n = 0; n < 300; n += 1) await agent.write(lead(`r-${n}`));
    expect(withWords()).toBeGreaterThan(200);
  });

  test('are made before too many bytes wait', async () => {
    await agent.write(put('collections', 'leads', leads));
    await agent.write(put('leads', 'a', { text: 'kelp '.repeat(100_000) }));
    await agent.write(put('leads', 'b', { text: 'kelp '.repeat(100_000) }));
    expect(withWords()).toBe(1);
    for (const id of ['c', 'd']) await agent.write(put('leads', id, { text: 'kelp '.repeat(100_000) }));
    expect(withWords()).toBe(4);
  });

  test('are made after a crash that came before they were', async () => {
    await writeSome();
    for (const id of ['d', 'e']) await agent.write(lead(id));
    await agent.write(remove('leads', 'd'));
    const path = directory.file('crashed.db');
    for (const ending of ['', '-wal']) cpSync(`${agent.path}${ending}`, `${path}${ending}`);
    expect(withWords(path)).toBe(1);
    expect(await checkFile(path, 'agent')).toMatchObject({ state: 'sound', problems: [] });
    using crashed = new TestAgent(path);
    // A disk that takes no writes must not keep a file from being opened.
    expect(withWords(path)).toBe(1);
    expect([found(byWord, crashed), found(byMember, crashed)]).toEqual([
      ['a', 'b', 'c', 'e'],
      ['a', 'b', 'c', 'e'],
    ]);
  });

  test('are there inside of a transaction, and once more after it was undone', async () => {
    await writeSome();
    const asking = agent.store.transact({
      resource: '',
      run: (records) => {
        records.write(lead('d'));
        const answer = records.query('leads', byWord);
        throw new Error('records' in answer ? answer.records.map(({ id }) => id).join(' ') : 'none');
      },
    });
    await expect(asking).rejects.toThrow('a b c d');
    expect(found(byWord)).toEqual(['a', 'b', 'c']);
    expect(withWords()).toBe(3);
  });

  test('are there for whoever asks while the disk is full, and are written once it is not', async () => {
    const full = { is: false };
    const guard = {
      ...unguarded,
      assertSound: () => {
        if (full.is) throw new HoldfastError('disk-full', 'for this test');
      },
    };
    using other = new TestAgent(directory.file('full.db'), undefined, [], guard);
    await other.write(put('collections', 'leads', leads));
    for (const id of ['a', 'b', 'c']) await other.write(lead(id));
    full.is = true;
    await expect(other.write(lead('d'))).rejects.toMatchObject({ code: 'disk-full' });
    for (const _twice of [1, 2]) {
      expect(found(byWord, other)).toEqual(['a', 'b', 'c']);
      expect(other.store.lookups.memberTexts('leads', 'tags')).toEqual(['sea']);
      expect(withWords(other.path)).toBe(1);
    }
    full.is = false;
    expect(found(byMember, other)).toEqual(['a', 'b', 'c']);
    expect(withWords(other.path)).toBe(3);
  });

  test('are made of what was written under other declarations', async () => {
    await agent.write(put('collections', 'leads', { ...leads, search: [] }));
    for (const id of ['a', 'b']) await agent.write(lead(id));
    expect(found(byMember)).toEqual(['a', 'b']);
    await agent.write(lead('c'));
    await agent.write(put('collections', 'leads', leads));
    expect(found(byWord)).toEqual(['a', 'b', 'c']);
  });

  test('are made by an earlier version too, of all records', async () => {
    await writeSome();
    agent.reopen(() => {
      const database = openDatabase(agent.path);
      while (schemaVersion(database) > 7) migrateDown(database, agentMigrations);
      expect(database.prepare('SELECT count(*) FROM text_fields').pluck().get()).toBe(0);
      migrate(database, agentMigrations);
      database.close();
    });
    expect([found(byWord), found(byMember)]).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ]);
    expect(await checkFile(agent.path, 'agent')).toMatchObject({ state: 'sound', problems: [] });
  });
});
