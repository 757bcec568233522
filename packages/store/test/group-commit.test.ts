import { setImmediate as nextTurn } from 'node:timers/promises';

import { type CommitConfig, HoldfastError } from '@holdfast/protocol';
import { type Database, openDatabase, type StorageGuard } from '@holdfast/sqlite';
import { GroupCommit, type Unit } from '@holdfast/store';
import { temporaryDirectory, type TemporaryDirectory } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { codeOf, commitConfig, put, remove, TestAgent } from './fixture.ts';

let directory: TemporaryDirectory;
let database: Database;
let observer: Database;
let commits = 0;
let undone = 0;

beforeEach(async () => {
  directory = await temporaryDirectory();
  database = openDatabase(directory.file('a.db'));
  database.exec(
    'CREATE TABLE t (v INTEGER PRIMARY KEY, parent INTEGER REFERENCES t (v) DEFERRABLE INITIALLY DEFERRED)',
  );
  observer = openDatabase(directory.file('a.db'));
  commits = 0;
  undone = 0;
});

afterEach(async () => {
  database.close();
  observer.close();
  await directory[Symbol.asyncDispose]();
});

function groupCommit(config: Partial<CommitConfig> = {}, guard?: StorageGuard): GroupCommit {
  return new GroupCommit(
    database,
    { ...commitConfig, ...config },
    {
      savepoint: () => () => {
        undone += 1;
      },
      beforeCommit: () => undefined,
      afterCommit: () => {
        commits += 1;
      },
    },
    guard,
  );
}

function visible(): unknown[] {
  return observer.prepare('SELECT v FROM t ORDER BY v').pluck().all();
}

function insert(value: number, bytes = 1): Unit<number> {
  return {
    run: () => {
      database.prepare('INSERT INTO t (v) VALUES (?)').run(value);
      return value;
    },
    bytes,
  };
}

const failing: Unit<never> = {
  run: () => {
    database.prepare('INSERT INTO t (v) VALUES (99)').run();
    throw new Error('this one fails');
  },
  bytes: 1,
};

describe('group commit', () => {
  test('puts requests that follow on one another into one transaction, and waits for none that does not', async () => {
    const group = groupCommit();
    const asked: Promise<unknown>[] = [];
    for (const value of [1, 2, 3]) {
      asked.push(group.run(insert(value)), group.run(insert(value + 10)));
      await nextTurn();
    }
    await Promise.all(asked);
    expect(commits).toBe(1);
    await group.run(insert(4));
    expect([commits, visible()]).toEqual([2, [1, 2, 3, 4, 11, 12, 13]]);
  });

  test('commits at once, with everything that waits, what cannot wait for an answer', async () => {
    const group = groupCommit();
    const waiting = group.run(insert(1));
    expect(group.runNow(insert(2))).toBe(2);
    expect([commits, visible(), group.isIdle]).toEqual([1, [1, 2], true]);
    expect(await waiting).toBe(1);
    expect(() => group.runNow(failing)).toThrow('this one fails');
    expect(visible()).toEqual([1, 2]);
  });

  test.each([
    ['when it is full', { 'commit.operations': 4 }, 10],
    ['after some turns', {}, 4],
  ])('begins a transaction %s, whatever follows', async (_, config, least) => {
    const group = groupCommit(config);
    const asked: Promise<unknown>[] = [];
    for (let value = 0; value < 40; value += 2) {
      asked.push(group.run(insert(value)), group.run(insert(value + 1)));
      await nextTurn();
    }
    await Promise.all(asked);
    expect(commits).toBeGreaterThanOrEqual(least);
  });

  test('puts requests that arrive together into one transaction, and answers after it', async () => {
    const group = groupCommit();
    let seenInside: unknown[] = [];
    const watching: Unit<void> = {
      run: () => {
        seenInside = visible();
      },
      bytes: 1,
    };
    const answers = [1, 2, 3].map((value) => group.run(insert(value)));
    const last = group.run(watching);
    expect(group.isIdle).toBe(false);
    expect(await Promise.all(answers)).toEqual([1, 2, 3]);
    expect(visible()).toEqual([1, 2, 3]);
    await last;
    expect(seenInside).toEqual([]);
    expect(commits).toBe(1);
    expect(group.isIdle).toBe(true);
  });

  test('undoes a unit that fails and leaves its neighbours', async () => {
    const group = groupCommit();
    const outcomes = await group.runEach([insert(1), failing, insert(2), insert(1), insert(3)]);
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, true, false, true]);
    expect(outcomes[1]).toMatchObject({ error: { message: 'this one fails' } });
    expect(outcomes[3]).toMatchObject({ error: { code: 'storage-failed' } });
    expect(visible()).toEqual([1, 2, 3]);
    expect([commits, undone]).toEqual([1, 2]);
  });

  test.each<[string, Partial<CommitConfig>, number, number]>([
    ['operations', { 'commit.operations': 2 }, 1, 3],
    ['bytes', { 'commit.bytes': 100 }, 40, 2],
  ])('bounds a transaction by %s', async (_bound, config, bytes, expectedCommits) => {
    const group = groupCommit(config);
    await Promise.all([1, 2, 3, 4, 5].map((value) => group.run(insert(value, bytes))));
    expect(commits).toBe(expectedCommits);
    expect(visible()).toEqual([1, 2, 3, 4, 5]);
  });

  test('refuses what does not fit the queue at once, and takes it when the queue has moved', async () => {
    const group = groupCommit({ 'commit.queue': 2, 'commit.queueBytes': 10 });
    const first = group.run(insert(1, 5));
    expect(await codeOf(group.run(insert(2, 6)))).toBe('queue-full');
    const second = group.run(insert(2, 5));
    await expect(group.run(insert(3, 0))).rejects.toMatchObject({ code: 'queue-full', retryAfterSeconds: 1 });
    await Promise.all([first, second]);
    await group.run(insert(3, 5));
    expect(visible()).toEqual([1, 2, 3]);
  });

  test('takes a job that alone is larger than the queue when nothing waits', async () => {
    const group = groupCommit({ 'commit.queue': 2, 'commit.queueBytes': 10 });
    expect(await group.runEach([insert(1, 50), insert(2, 50), insert(3, 50)])).toHaveLength(3);
    expect(visible()).toEqual([1, 2, 3]);
  });

  test('rejects all of a transaction whose commit fails, and goes on with the next', async () => {
    const group = groupCommit();
    const orphan: Unit<void> = {
      run: () => {
        database.prepare('INSERT INTO t (v, parent) VALUES (7, 1000)').run();
      },
      bytes: 1,
    };
    const outcomes = [group.run(insert(1)), group.run(orphan), group.runEach([insert(2), insert(3)])].map(codeOf);
    expect(await Promise.all(outcomes)).toEqual(['storage-failed', 'storage-failed', 'storage-failed']);
    expect(visible()).toEqual([]);
    expect([commits, undone, database.inTransaction]).toEqual([0, 1, false]);
    expect(await group.run(insert(1))).toBe(1);
  });

  test('rejects all that wait when no transaction can begin', async () => {
    const group = groupCommit();
    database.pragma('busy_timeout = 0');
    observer.exec('BEGIN IMMEDIATE');
    expect(await Promise.all([codeOf(group.run(insert(1))), codeOf(group.run(insert(2)))])).toEqual([
      'storage-failed',
      'storage-failed',
    ]);
    expect(group.isIdle).toBe(true);
    observer.exec('ROLLBACK');
    expect(await group.run(insert(3))).toBe(3);
  });

  test('commits nothing any more once a unit met a failing disk, and refuses all that waits', async () => {
    const failed = new HoldfastError('storage-failed', 'the disk failed');
    let isSound = true;
    const guard: StorageGuard = {
      assertSound: () => {
        if (!isSound) throw failed;
      },
      translate: (error) => error,
    };
    const group = groupCommit({ 'commit.operations': 2 }, guard);
    const meeting: Unit<void> = {
      run: () => {
        isSound = false;
        throw failed;
      },
      bytes: 1,
    };
    const answers = [insert(1), meeting, insert(2), insert(3)].map((unit) => codeOf(group.run(unit)));
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 4 }, () => 'storage-failed'));
    expect([visible(), commits, database.inTransaction, group.isIdle]).toEqual([[], 0, false, true]);
    isSound = true;
    expect(await group.run(insert(4))).toBe(4);
  });

  test('answers what is stored even if the hook after the commit fails', async () => {
    const group = new GroupCommit(database, commitConfig, {
      savepoint: () => () => undefined,
      beforeCommit: () => undefined,
      afterCommit: () => {
        throw new Error('a bug');
      },
    });
    const answer = group.run(insert(1));
    expect(() => group.drain()).toThrow('a bug');
    expect(await answer).toBe(1);
  });

  test('drains what waits at once', async () => {
    const group = groupCommit({ 'commit.operations': 1 });
    const answers = [1, 2, 3].map((value) => group.run(insert(value)));
    group.drain();
    expect(visible()).toEqual([1, 2, 3]);
    expect(await Promise.all(answers)).toEqual([1, 2, 3]);
  });
});

describe('an agent file whose transaction fails', () => {
  test('acknowledges none of it, keeps its counters true and goes on', async () => {
    using agent = new TestAgent(directory.file('agent.db'));
    await agent.write(put('notes', 'a', { n: 1 }));
    using other = new TestAgent(directory.file('other.db'));
    const spoiler = openDatabase(agent.path);
    spoiler.exec("CREATE TRIGGER spoil BEFORE UPDATE ON stream BEGIN SELECT RAISE(ABORT, 'spoiled'); END");
    const before = structuredClone(agent.store.counters);
    const writes = [put('notes', 'a', { n: 2 }), put('notes', 'b', {}), remove('notes', 'a')];
    const codes = await Promise.all(writes.map((operation) => codeOf(agent.write(operation))));
    expect(codes).toEqual(['storage-failed', 'storage-failed', 'storage-failed']);
    expect(agent.store.counters).toEqual(before);
    expect([agent.read('notes', 'a'), agent.read('notes', 'b')]).toEqual([{ n: 1 }, undefined]);
    agent.expectTrueCounters();
    await other.write(put('notes', 'a', {}));
    spoiler.exec('DROP TRIGGER spoil');
    spoiler.close();
    expect((await agent.write(put('notes', 'b', {}))).seq).toBe(2);
    agent.expectTrueCounters();
    expect(agent.commits).toBe(2);
  });

  test('says that the disk is full, keeps what fits and takes writes again when there is room', async () => {
    database.pragma('max_page_count = 12');
    const group = groupCommit();
    database.exec('CREATE TABLE big (text TEXT)');
    const large: Unit<void> = {
      run: () => {
        database.prepare('INSERT INTO big VALUES (?)').run('x'.repeat(200_000));
      },
      bytes: 1,
    };
    const [full, small] = await Promise.all([codeOf(group.run(large)), codeOf(group.run(insert(1)))]);
    expect(full).toBe('disk-full');
    expect(visible()).toEqual(small === 1 ? [1] : []);
    database.pragma('max_page_count = 10000');
    await group.run(large);
    expect(await group.run(insert(2))).toBe(2);
  });
});
