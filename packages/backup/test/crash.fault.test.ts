import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { lockDirectory } from '@holdfast/sqlite';
import {
  CHANGING_CALLS,
  lacking,
  seededRandom,
  startProcess,
  straceCommand,
  temporaryDirectory,
  type TemporaryDirectory,
  testSeed,
} from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { listBackups, settleRestore, verifyBackup } from '../src/index.ts';
import { backUp, chunksIn, contentOf, makeNode, write } from './fixture.ts';

const worker = fileURLToPath(new URL('work-process.ts', import.meta.url));
const calls = [...CHANGING_CALLS, 'unlinkat', 'rmdir', 'lchown'];
const POINTS = 6;
const LIMIT_MS = 240_000;
/** A point nothing comes to: strace counts no further. */
const NEVER = 65_535;

const missing = lacking(['strace']);
if (missing.length > 0) process.stderr.write(`crashes of backups are not tested here: ${missing.join('; ')}\n`);

type Work = 'backup' | 'restore';

/** Does the work under a program, and says whether it came to its end. A check it has made by a process of its own may die too. */
async function run(home: TemporaryDirectory, work: Work, under: readonly string[]): Promise<boolean> {
  await using child = await startProcess({
    under,
    args: [worker, work, home.file('data'), home.file('backups')],
    ready: /^ready$/,
    // Calls are counted in each thread: with one thread for files they are in two.
    environment: { UV_THREADPOOL_SIZE: '1' },
  });
  await child.exited;
  return child.lines().includes('done');
}

/** A place to be killed at: before the `at`th call of this kind in some thread. */
interface Point {
  readonly call: string;
  readonly at: number;
}

/** Does the work unharmed, and gives every place it could have been killed at; strace counts each kind of call by itself. */
async function pointsOf(home: TemporaryDirectory, work: Work): Promise<readonly Point[]> {
  const log = home.file('calls');
  // With the tracer as the parent its log is complete when the process has ended.
  const under = straceCommand({ effect: 'kill', at: NEVER, calls }, log).filter((part) => part !== '-D');
  expect(await run(home, work, under)).toBe(true);
  const counts = new Map<string, number>();
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const [, key] = /^(\d+ +\w+)\(/.exec(line) ?? [];
    if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return calls.flatMap((call) => {
    const most = Math.max(0, ...[...counts].map(([key, count]) => (key.endsWith(` ${call}`) ? count : 0)));
    return Array.from({ length: most }, (_, index) => ({ call, at: index + 1 }));
  });
}

/** Kills the work at points of it, each time from the same beginning. */
async function killEverywhere(home: TemporaryDirectory, work: Work, check: () => Promise<void>): Promise<void> {
  const random = seededRandom(testSeed());
  const begin = home.file('begin');
  const restart = (): void => {
    for (const name of ['data', 'backups']) {
      rmSync(home.file(name), { recursive: true, force: true });
      cpSync(join(begin, name), home.file(name), { recursive: true });
      chmodSync(home.file(name), 0o700);
    }
  };
  for (const name of ['data', 'backups']) cpSync(home.file(name), join(begin, name), { recursive: true });
  const points = await pointsOf(home, work);
  await check();
  const renames = points.filter(({ call }) => call === 'rename');
  let fired = 0;
  for (let index = 0; index < POINTS; index += 1) {
    restart();
    // Every other one at a rename: those are the steps by which things happen.
    const { call, at } = random.pick(index % 2 === 0 ? renames : points);
    const under = straceCommand({ effect: 'kill', at, calls: [call] }, home.file('trace'));
    fired += (await run(home, work, under)) ? 0 : 1;
    await check();
  }
  expect(fired).toBeGreaterThanOrEqual(POINTS - 1);
}

describe.skipIf(missing.length > 0)('killed at any point', () => {
  test('a backup leaves whole backups only, and the next one is made', { timeout: LIMIT_MS }, async () => {
    await using home = await temporaryDirectory();
    const [data, backups] = [home.file('data'), home.file('backups')];
    makeNode(data);
    await write(data, 'ada', [0, 3000]);
    expect((await backUp(data, backups)).problems).toEqual([]);
    await write(data, 'ada', [1000, 1100], 'y');
    await killEverywhere(home, 'backup', async () => {
      const found = await listBackups(backups);
      expect(found.some(({ verifiedAt }) => verifiedAt !== null)).toBe(true);
      for (const { manifest } of found) {
        const scratch = join(home.path, 'verify');
        mkdirSync(scratch);
        expect(manifest && (await verifyBackup(backups, manifest, { scratch })).problems).toEqual([]);
        rmSync(scratch, { recursive: true });
      }
      const { manifest, problems } = await backUp(data, backups, { keep: 1 });
      expect(problems).toEqual([]);
      expect(chunksIn(backups)).toEqual([...new Set(manifest.files.flatMap(({ chunks }) => chunks))].toSorted());
      expect(readdirSync(backups).filter((name) => name.endsWith('.new') || name === 'scratch')).toEqual([]);
    });
  });

  test('a restore leaves all of the old data or all of the new, and says which', { timeout: LIMIT_MS }, async () => {
    await using home = await temporaryDirectory();
    const [data, backups] = [home.file('data'), home.file('backups')];
    makeNode(data);
    await write(data, 'ada', [0, 500]);
    await write(data, 'bob', [0, 10]);
    await backUp(data, backups);
    const backedUp = await contentOf(data);
    await write(data, 'ada', [400, 600], 'later');
    await write(data, 'carol', [0, 10]);
    const later = await contentOf(data);
    const seen = new Set<string>();
    await killEverywhere(home, 'restore', async () => {
      const lock = lockDirectory(data);
      const { state } = settleRestore(data);
      lock.release();
      const content = await contentOf(data);
      const replaced = readdirSync(data).find((name) => name.startsWith('replaced-'));
      seen.add(state);
      // Without a restore under way it had not begun or was done: what was set aside tells.
      const isDone = replaced !== undefined;
      expect(state).toBeOneOf(isDone ? ['finished', 'none'] : ['undone', 'none']);
      expect(content).toEqual(isDone ? backedUp : later);
      expect(await contentOf(isDone ? join(data, replaced) : data)).toEqual(later);
      expect(existsSync(join(data, 'admin.token'))).toBe(true);
      expect(readdirSync(data).filter((name) => name.startsWith('restoring'))).toEqual([]);
    });
    expect(seen.size).toBeGreaterThan(1);
  });
});
