import { querySchema, tasksCollection } from '@holdfast/protocol';
import { indexWalk, type RecordsTransaction } from '@holdfast/store';
import { expect, test } from 'vitest';

import { put } from './fixture.ts';
import { agent, useAgent } from './use-agent.ts';

useAgent();

const task = (type: string, priority: number, dependencies: readonly string[] = []) => ({
  type,
  priority,
  status: 'pending',
  dependencies: [...dependencies],
});

function needing(records: RecordsTransaction, id: string): string[] {
  const answer = records.query('tasks', querySchema.parse({ where: { dependencies: { hasAny: [id] } } }));
  return 'records' in answer ? answer.records.map((record) => record.id) : [];
}

test('a transaction sees what it wrote, by members of lists too, and what it did is there afterwards', async () => {
  await agent.write(put('tasks', 'a', task('x', 1)));
  const seen = await agent.store.transact({
    resource: '',
    run: (records) => {
      const before = needing(records, 'a');
      records.write(put('tasks', 'b', task('x', 1, ['a'])));
      const between = needing(records, 'a');
      records.write(put('tasks', 'b', task('x', 1, ['c'])));
      return [before, between, needing(records, 'a'), needing(records, 'c'), records.read('tasks', 'b') !== undefined];
    },
  });
  expect(seen).toEqual([[], ['b'], [], ['b'], true]);
  const found = agent.store.query('', 'tasks', querySchema.parse({ where: { dependencies: { hasAny: ['c'] } } }));
  expect(found).toMatchObject({ records: [{ id: 'b' }] });
});

test('a transaction that throws is undone alone, and what its neighbours wrote is found as ever', async () => {
  const neighbour = agent.write(put('tasks', 'before', task('x', 1, ['n'])));
  const failing = agent.store.transact({
    resource: '',
    run: (records) => {
      records.write(put('tasks', 'undone', task('x', 1, ['n'])));
      expect(needing(records, 'n')).toEqual(['before', 'undone']);
      throw new Error('not this time');
    },
  });
  const later = agent.write(put('tasks', 'later', task('x', 1, ['n'])));
  const [first, second, third] = await Promise.allSettled([neighbour, failing, later]);
  expect([first.status, second.status, third.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  const found = agent.store.query('', 'tasks', querySchema.parse({ where: { dependencies: { hasAny: ['n'] } } }));
  expect(found).toMatchObject({ records: [{ id: 'before' }, { id: 'later' }] });
});

test('a walk goes along a declared index, as far as it is told to', async () => {
  const priorities = [3, 1, 2, 3];
  for (const [index, priority] of priorities.entries())
    await agent.write(put('tasks', `t-${index}`, { ...task('x', priority), workers: index < 3 ? ['a', 'b'] : ['c'] }));
  await agent.write(put('tasks', 'of-no-priority', { ...task('x', 9), priority: null }));
  const index = ['status', 'priority'];
  const ids = (shape: object, ...values: (string | number)[]): Promise<string[]> => {
    const walk = indexWalk(tasksCollection, { index, equal: 1, ...shape });
    const run = (records: RecordsTransaction) => records.walk(walk, { values: ['pending', ...values], limit: 3 });
    return agent.store.transact({ resource: '', run }).then((met) => met.map(({ id }) => id));
  };
  expect(await ids({})).toEqual(['of-no-priority', 't-1', 't-2']);
  expect(await ids({ next: 'at-most' }, 2)).toEqual(['t-1', 't-2']);
  expect(await ids({ equal: 2 }, 3)).toEqual(['t-0', 't-3']);
  expect(await ids({ next: 'greatest' })).toEqual(['t-0', 't-3']);
  expect(await ids({ next: 'greatest', listed: 'workers' }, '["c","d"]')).toEqual(['t-3']);
  expect(await ids({ next: 'greatest', listed: 'workers' }, '["d"]')).toEqual([]);
  expect(() => indexWalk(tasksCollection, { index: ['status'], equal: 1 })).toThrow('no index');
});

test('a request that is repeated under its key has its first result, and one without effect is made anew', async () => {
  const idempotency = { key: 'k', fingerprint: 'f' };
  let runs = 0;
  const look = () => agent.store.transact({ resource: '', idempotency, run: () => (runs += 1) });
  expect([await look(), await look()]).toEqual([1, 2]);
  const make = () =>
    agent.store.transact({
      resource: '',
      idempotency,
      run: (records) => {
        runs += 1;
        return { made: records.write(put('tasks', `t-${runs}`, task('x', 1))).id };
      },
    });
  expect([await make(), await make()]).toEqual([{ made: 't-3' }, { made: 't-3' }]);
});
