import { readFileSync, writeFileSync } from 'node:fs';

import type { AgentStatus } from '@holdfast/protocol';
import { type TemporaryDirectory, testSeed } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { askHoldfast, runHoldfast } from '../harness/command.ts';
import { expectDrained } from '../harness/conservation.ts';
import { type Network, startNetwork } from '../harness/network.ts';
import { differencesNow } from '../harness/stored.ts';
import { type Figures, madeUpFigures, realTranscripts, type Run, writeMadeUpTranscripts } from './transcripts.ts';

/** Figures somebody counted in the real file once, by hand. */
const realFigures = { threads: 200, roles: { system: 200, user: 1490, assistant: 2454, tool: 1164 } };

interface Summary {
  readonly threads: number;
  readonly messages: number;
  readonly written: number;
  readonly unchanged: number;
  readonly rejected: number;
  readonly rejections: readonly { readonly index?: number; readonly line?: number; readonly message?: number }[];
}

interface Input {
  readonly name: string;
  readonly figures: Figures;
  /** Where the file is; it may be made in `home`. */
  readonly place: (home: TemporaryDirectory) => string;
}

function madeUp(home: TemporaryDirectory): string {
  const path = home.file('made-up.json');
  writeMadeUpTranscripts(path, testSeed());
  return path;
}

const real = realTranscripts();
const inputs: readonly Input[] = [
  { name: 'made-up', place: madeUp, figures: madeUpFigures },
  ...(real === undefined ? [] : [{ name: 'real', place: () => real, figures: realFigures }]),
];

describe.each(inputs)('importing $name transcripts', ({ place, figures }) => {
  test('twice, after which the relay answers how many messages each role has, and holds every one as it was', async () => {
    await using network = await startNetwork({ nodes: { workstation: ['support'] } });
    const path = place(network.home);
    const runs = JSON.parse(readFileSync(path, 'utf8')) as readonly Run[];
    const messages = runs.flatMap(({ traj }) => traj).length;
    expect({ threads: runs.length, roles: countRoles(runs) }).toEqual(figures);

    const records = runs.length + messages;
    const first = await importChats(network, path);
    expect(first).toMatchObject({ threads: figures.threads, messages, written: records, unchanged: 0, rejected: 0 });
    const { seq } = await statusOf(network);
    expect(seq).toBe(records);
    const second = await importChats(network, path);
    expect(second).toMatchObject({ threads: figures.threads, messages, written: 0, unchanged: records, rejected: 0 });
    expect(await statusOf(network)).toMatchObject({ seq, records });

    await expectDrained(network);
    expect(await rolesOnRelay(network)).toEqual(figures.roles);
    expect(await conversationsOnRelay(network)).toEqual(conversationsOf(runs));
    expect(await differencesNow(network)).toEqual([]);
  });
});

describe('importing a file with broken entries', () => {
  const good = (id: string): object => ({ id, messages: [{ role: 'user', content: `${id}?` }] });

  test('as a JSON array: each is rejected with its place, the rest arrives, and the command ends with 1', async () => {
    await using network = await startNetwork({ nodes: { workstation: ['support'] } });
    const path = network.home.file('broken.json');
    const spoilt = [
      { role: 'user', content: 'one' },
      { role: 'nobody', content: 'two' },
      { role: 'user', content: 'three' },
    ];
    writeFileSync(
      path,
      JSON.stringify([good('a'), 7, good('b'), { id: 'c' }, { id: 'd', messages: spoilt }, good('a')]),
    );
    const summary = await importBroken(network, path);
    expect(summary).toMatchObject({ threads: 3, messages: 4, written: 7, unchanged: 0, rejected: 4 });
    expect(summary.rejections).toEqual([
      { index: 1, reason: expect.any(String) },
      { index: 3, reason: expect.any(String) },
      { index: 4, message: 1, reason: expect.any(String) },
      { index: 5, reason: expect.any(String) },
    ]);
    expect(await idsOnRelay(network)).toEqual(['a.000000', 'b.000000', 'd.000000', 'd.000002']);
  });

  test('as JSONL: a line that is no JSON is named by its number, and the lines after it arrive', async () => {
    await using network = await startNetwork({ nodes: { workstation: ['support'] } });
    const path = network.home.file('broken.jsonl');
    const lines = [JSON.stringify(good('a')), '{"id":"b","messages":[', JSON.stringify(good('c'))];
    writeFileSync(path, `${lines.join('\n')}\n`);
    const summary = await importBroken(network, path);
    expect(summary).toMatchObject({ threads: 2, messages: 2, written: 4, rejected: 1 });
    expect(summary.rejections).toEqual([{ line: 2, reason: expect.any(String) }]);
    expect(await idsOnRelay(network)).toEqual(['a.000000', 'c.000000']);
  });
});

function importArguments(network: Network, path: string): readonly string[] {
  return ['import', 'chats', path, '--agent', 'support', ...network.node('workstation').service.place];
}

function importChats(network: Network, path: string): Promise<Summary> {
  return askHoldfast<Summary>(network.home, importArguments(network, path));
}

async function importBroken(network: Network, path: string): Promise<Summary> {
  const { exitCode, stdout } = await runHoldfast(network.home, [...importArguments(network, path), '--json']);
  expect(exitCode).toBe(1);
  await expectDrained(network);
  return JSON.parse(stdout) as Summary;
}

function statusOf(network: Network): Promise<AgentStatus> {
  return network.agent('support').client.status();
}

function countRoles(runs: readonly Run[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { role } of runs.flatMap(({ traj }) => traj)) counts[role] = (counts[role] ?? 0) + 1;
  return counts;
}

async function rolesOnRelay({ desk }: Network): Promise<Readonly<Record<string, number>>> {
  const groups = await desk.aggregate({
    collection: 'messages',
    agents: ['support'],
    aggregate: { groupBy: ['role'], metrics: { n: { count: '*' } } },
  });
  return Object.fromEntries(
    groups.map(({ role, n }): [string, number] => [typeof role === 'string' ? role : '', Number(n)]),
  );
}

/** Each conversation as the texts of its messages, in order, by task and trial. */
function conversationsOf(runs: readonly Run[]): ReadonlyMap<string, readonly string[]> {
  return new Map(
    runs.map(({ task_id: task, trial, traj }) => [`${task}-${trial}`, traj.map((message) => JSON.stringify(message))]),
  );
}

async function conversationsOnRelay({ desk }: Network): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  const query = {
    collection: 'messages',
    orderBy: [{ thread: 'asc' as const }, { index: 'asc' as const }],
    limit: 1000,
  };
  for await (const { doc } of desk.each<{ readonly thread: string; readonly index: number }>(query)) {
    const { thread, index, ...message } = doc;
    const name = thread.split('-').slice(-2).join('-');
    const messages = found.get(name) ?? [];
    expect(index).toBe(messages.length);
    found.set(name, [...messages, JSON.stringify(message)]);
  }
  return found;
}

async function idsOnRelay({ desk }: Network): Promise<readonly string[]> {
  const { records } = await desk.query({ collection: 'messages' });
  return records.map(({ id }) => id).toSorted();
}
