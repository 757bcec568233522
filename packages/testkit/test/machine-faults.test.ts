import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import {
  eventually,
  injectedTimes,
  lacking,
  loopDisk,
  type Need,
  runProgram,
  smallDisk,
  straceCommand,
  temporaryDirectory,
  underClock,
} from '@holdfast/testkit';
import { expect, test, type TestContext } from 'vitest';

/** Skips a test, and says so, where the machine cannot do it. */
function need(context: TestContext, ...needs: readonly Need[]): void {
  const reasons = lacking(needs);
  if (reasons.length === 0) return;
  process.stderr.write(`SKIPPED ${context.task.name}: ${reasons.join('; ')}\n`);
  context.skip(reasons.join('; '));
}

test('a power cut keeps what was synced and drops what was not', async (context) => {
  need(context, 'root', 'loop device');
  await using disk = await loopDisk(32);
  const [synced, unsynced] = [join(disk.path, 'synced'), join(disk.path, 'unsynced')];
  const file = openSync(synced, 'w');
  writeSync(file, 'here');
  fsyncSync(file);
  closeSync(file);
  writeFileSync(unsynced, 'gone');
  await disk.cutPower();
  expect(() => writeFileSync(synced, 'later')).toThrow(/EIO/);
  await disk.restorePower();
  expect(readFileSync(synced, 'utf8')).toBe('here');
  expect(existsSync(unsynced) && readFileSync(unsynced, 'utf8') === 'gone').toBe(false);
});

test('a disk turned read-only takes no writes until it is mounted again', async (context) => {
  need(context, 'root', 'loop device');
  await using disk = await loopDisk(32);
  const path = join(disk.path, 'file');
  writeFileSync(path, 'before', { flush: true });
  await disk.turnReadOnly();
  expect(() => writeFileSync(path, 'during')).toThrow(/EROFS/);
  expect(readFileSync(path, 'utf8')).toBe('before');
  await disk.restorePower();
  writeFileSync(path, 'after');
});

test('a small disk holds so much and no more', async (context) => {
  need(context, 'root');
  await using disk = await smallDisk(1);
  expect(() => writeFileSync(join(disk.path, 'file'), Buffer.alloc(2 * 1024 * 1024))).toThrow(/ENOSPC/);
});

test('a call fails at its turn, once or for ever, and the log says how often', async (context) => {
  need(context, 'strace');
  await using place = await temporaryDirectory();
  const log = place.file('log');
  const script = `for n in 1 2 3 4; do mkdir ${place.path}/$n || true; done`;
  await runProgram('sh', ['-c', script]);
  const moved = `const { renameSync } = require('node:fs'); for (const n of [1, 2, 3, 4]) try {
    renameSync('${place.path}/' + n, '${place.path}/moved-' + n) } catch (error) { console.log(n, error.code) }`;
  const under = straceCommand({ effect: 'EIO', at: 3, forEver: true, calls: ['rename'] }, log);
  const [program, ...args] = [...under, process.execPath, '-e', moved];
  expect(await runProgram(program, args)).toBe('3 EIO\n4 EIO\n');
  expect(injectedTimes(readFileSync(log, 'utf8'))).toBe(2);
});

test('a process sees another calendar', async (context) => {
  need(context, 'faketime');
  const [program, ...args] = [...underClock(-3653), process.execPath, '-p', 'new Date().getFullYear()'];
  const year = Number(await runProgram(program, args));
  expect(new Date().getFullYear() - year).toBeGreaterThanOrEqual(10);
});

test('a check is tried until it holds, and what it threw last is thrown when time is over', async () => {
  let tries = 0;
  const third = (): number => {
    tries += 1;
    if (tries < 3) throw new Error(`try ${tries}`);
    return tries;
  };
  expect(await eventually(third, { limitMs: 10_000, everyMs: 1 })).toBe(3);
  const never = (): never => {
    throw new Error('never');
  };
  await expect(eventually(never, { limitMs: 1, everyMs: 1 })).rejects.toThrow('never');
});
