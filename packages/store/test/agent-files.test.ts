import { HybridClock } from '@holdfast/protocol';
import { AgentFiles } from '@holdfast/store';
import { FakeClock, seededRandom, temporaryDirectory, testSeed } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { commitConfig, put } from './fixture.ts';

const AGENTS = 500;
const MAX_OPEN = 8;

function openFiles(directory: string, clock: FakeClock, committed: string[] = []): AgentFiles {
  const { now } = clock;
  return new AgentFiles({
    directory,
    clock: new HybridClock(now, '0000000a'),
    now,
    commit: commitConfig,
    maxOpen: MAX_OPEN,
    onCommit: (agent) => committed.push(agent),
  });
}

const nameOf = (index: number): string => `agent-${index}`;
const sortedBySeq = (seqs: readonly number[]): number[] => seqs.toSorted((left, right) => left - right);

test('500 agents share 8 open files, and each has its own records and seqs', async () => {
  await using directory = await temporaryDirectory();
  const random = seededRandom(testSeed());
  const clock = new FakeClock();
  const committed: string[] = [];
  const files = openFiles(directory.path, clock, committed);
  const written = new Map<string, number>();
  const order = [...Array(AGENTS).keys(), ...Array.from({ length: AGENTS }, () => random.integer(0, AGENTS - 1))];
  for (const index of order) {
    const agent = nameOf(index);
    const count = (written.get(agent) ?? 0) + 1;
    const operations = [put('kv', `id-${count}`, { agent, count })];
    const [result] = await files.get(agent).write({ resource: '', operations });
    expect(result?.seq).toBe(count);
    written.set(agent, count);
    expect(files.openCount).toBeLessThanOrEqual(MAX_OPEN);
  }
  expect(committed).toEqual(order.map(nameOf));
  files.close();
  const reopened = openFiles(directory.path, clock);
  for (const [agent, count] of written) {
    const store = reopened.get(agent);
    const listed = store.list({ resource: '', collection: 'kv' }, { prefix: '', after: '', limit: 1000 }).rows;
    const counts = listed.map(({ text }) => JSON.parse(text) as { agent: string; count: number });
    expect(counts.every((value) => value.agent === agent)).toBe(true);
    expect(sortedBySeq(counts.map((value) => value.count))).toEqual(Array.from({ length: count }, (_, at) => at + 1));
    expect(store.counters).toMatchObject({ lastSeq: count, outbox: count });
    expect(reopened.openCount).toBeLessThanOrEqual(MAX_OPEN);
  }
  reopened.close();
});

test('files with writes under way stay open, and are closed once they rest', async () => {
  await using directory = await temporaryDirectory();
  const files = openFiles(directory.path, new FakeClock());
  const writes = Array.from({ length: 3 * MAX_OPEN }, (_, index) =>
    files.get(nameOf(index)).write({ resource: '', operations: [put('kv', 'a', index)] }),
  );
  expect(files.openCount).toBe(3 * MAX_OPEN);
  await Promise.all(writes);
  files.get(nameOf(0));
  files.get('one-more');
  expect(files.openCount).toBeLessThanOrEqual(MAX_OPEN);
  files.close();
});

test('the summary of a closed file is known without opening it', async () => {
  await using directory = await temporaryDirectory();
  const files = openFiles(directory.path, new FakeClock());
  await files.get('first').write({ resource: '', operations: [put('kv', 'a', 1)] });
  const open = files.summary('first');
  for (let index = 0; index < MAX_OPEN; index += 1) files.get(nameOf(index));
  const before = files.openCount;
  expect(files.summary('first')).toMatchObject({ ...open, bytes: expect.any(Number) as number });
  expect(files.openCount).toBe(before);
  await files.get('first').write({ resource: '', operations: [put('kv', 'b', 1)] });
  expect(files.summary('first')).toMatchObject({ records: 2, lastSeq: 2, outbox: 2 });
  files.close();
});

test('closing commits what waits', async () => {
  await using directory = await temporaryDirectory();
  const clock = new FakeClock();
  const files = openFiles(directory.path, clock);
  const write = files.get('a').write({ resource: '', operations: [put('kv', 'a', 1)] });
  files.close();
  await write;
  const reopened = openFiles(directory.path, clock);
  expect(reopened.get('a').read('', 'kv', 'a')?.text).toBe('1');
  reopened.close();
});

test('who keeps the files is told which collections a commit wrote to, and when a file is left', async () => {
  await using directory = await temporaryDirectory();
  const { now } = new FakeClock();
  const told: unknown[] = [];
  const files = new AgentFiles({
    directory: directory.path,
    clock: new HybridClock(now, '0000000a'),
    now,
    commit: commitConfig,
    maxOpen: MAX_OPEN,
    onCommit: (agent, written) => told.push([agent, [...written].map(([resource, names]) => [resource, [...names]])]),
    onLeft: (agent) => told.push(agent),
  });
  const write = (resource: string, ...collections: string[]): Promise<unknown> =>
    files.get('ada').write({ resource, operations: collections.map((collection) => put(collection, 'a', {})) });
  await Promise.all([write('', 'notes', 'plans'), write('app:one', 'notes'), write('', 'notes')]);
  await write('', 'mail').catch(() => undefined);
  await write('', 'leads');
  files.withdraw('ada');
  const both = [
    ['', ['notes', 'plans']],
    ['app:one', ['notes']],
  ];
  expect(told).toEqual([['ada', both], ['ada', [['', ['leads']]]], 'ada']);
  files.close();
});
