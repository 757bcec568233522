import type { Json, Query } from '@holdfast/protocol';
import { type Database, openDatabase } from '@holdfast/sqlite';
import { checkFile, type FileReport } from '@holdfast/store';
import { describe, expect, test } from 'vitest';

import { put, remove } from './fixture.ts';
import { agent, useAgent } from './use-agent.ts';

useAgent();

const leads = {
  fields: { tags: { type: 'list' }, marks: { type: 'list' }, text: { type: 'text' } },
  indexes: [['tags'], ['marks']],
  search: ['text'],
};
const texts = ['kelp and sons', 'Straße, naïve ÉCOLE', '昆布の森', 'don’t "quote" me', '', 'x'.repeat(3000)];

/** A file with all kinds of members and words, with records that were changed and deleted again. */
async function fill(): Promise<void> {
  await agent.write(put('collections', 'leads', leads));
  const operations = Array.from({ length: 1300 }, (_, n) => {
    const tags: Json[] = ['django', 7, 7.5, 'django', null, true, ['deep'], 'ÄÖ', 'y'.repeat(400)];
    const document = {
      text: `${texts[n % texts.length]} ${n}`,
      tags: tags.filter((_tag, at) => ((n >> at) & 1) === 1),
      marks: [n],
    };
    return put(n % 13 === 0 ? 'notes' : 'leads', `r-${n}`, document);
  });
  for (let at = 0; at < operations.length; at += 100)
    await agent.store.write({ resource: '', operations: operations.slice(at, at + 100) });
  await agent.write(remove('leads', 'r-1'));
  await agent.write(put('leads', 'r-2', { text: 'changed' }));
}

/** Does something to a file that no Holdfast would do. */
function change(alter: (database: Database) => void): void {
  agent.reopen(() => {
    const database = openDatabase(agent.path);
    // Tables behind a full-text index may be written to then.
    database.unsafeMode();
    alter(database);
    database.close();
  });
}

function seqOf(database: Database, id: string): number {
  return database.prepare('SELECT seq FROM records WHERE id = ?').pluck().get(id) as number;
}

/** The ids a query finds. */
function found(query: Query): string[] {
  const answer = agent.store.query('', 'leads', { ...query, limit: 1000 });
  return 'records' in answer ? answer.records.map(({ id }) => id).toSorted() : [];
}

const check = (): Promise<FileReport> => checkFile(agent.path, 'agent');

const sound = { state: 'sound', problems: [], derived: [], error: null };

describe('members and words', () => {
  test('of a file that nothing was done to are those of its records, also while it is written to', async () => {
    await fill();
    expect(await check()).toMatchObject(sound);
    const progress = { isDone: false };
    const checking = check().finally(() => (progress.isDone = true));
    for (let n = 0; !progress.isDone; n += 1)
      await agent.write(put('leads', `r-${n % 400}`, { text: `kelp ${n}`, tags: ['new', n] }));
    expect(await checking).toMatchObject(sound);
  });

  test.each<[what: string, kinds: readonly string[], count: number, alter: (database: Database) => void]>([
    [
      'a record lost its members',
      ['members'],
      1,
      (database) => database.prepare('DELETE FROM members WHERE rowid = ?').run(seqOf(database, 'r-700')),
    ],
    [
      'a record has the words of another',
      ['words'],
      1,
      (database) => {
        database.prepare('DELETE FROM texts WHERE rowid = ?').run(seqOf(database, 'r-700'));
        database
          .prepare("INSERT INTO texts (rowid, owner, body) VALUES (?, 'leads', 'another five')")
          .run(seqOf(database, 'r-700'));
      },
    ],
    [
      'there are words for no record',
      ['words'],
      2,
      (database) => {
        const add = database.prepare("INSERT INTO texts (rowid, owner, body) VALUES (?, 'leads', 'kelp')");
        // Where nothing ever stood, and where a record was before it was deleted.
        for (const seq of [0, 3]) add.run(seq);
      },
    ],
    [
      'nobody knows any more how many words some records have',
      ['members', 'words'],
      20,
      (database) => {
        for (const table of ['members', 'texts'])
          database.prepare(`DELETE FROM ${table}_docsize WHERE id IN (SELECT id FROM ${table}_docsize LIMIT 10)`).run();
      },
    ],
    [
      'all members are gone',
      ['members'],
      1198,
      (database) => database.exec("INSERT INTO members (members) VALUES ('delete-all')"),
    ],
  ])('are told and made anew where %s', async (_what, kinds, count, alter) => {
    await fill();
    const questions = [
      { search: 'kelp' },
      { search: '昆布' },
      { where: { marks: { hasAll: [700] } } },
      { where: { tags: { hasAll: ['django'] } } },
    ];
    const before = questions.map(found);
    change(alter);
    const report = await check();
    expect(report).toMatchObject({ state: 'damaged', damagedRecords: [], error: null });
    expect(report.problems.map(({ kind, detail }) => [kind, detail.split(' ', 1)[0]])).toEqual(
      kinds.map((kind) => ['derived', kind]),
    );
    expect(report.problems.reduce((sum, problem) => sum + problem.count, 0)).toBe(count);
    // Others write meanwhile.
    const [made] = await Promise.all([
      agent.store.deriveAnew(report.derived),
      agent.write(put('leads', 'another', { text: 'nothing', marks: [-1] })),
    ]);
    expect(made).toBeUndefined();
    expect(await check()).toMatchObject(sound);
    expect(questions.map(found)).toEqual(before);
  });
});
