import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { ensurePrivateDirectory, lockDirectory } from '@holdfast/sqlite';
import { startProcess, temporaryDirectory } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

const lockHolder = fileURLToPath(new URL('lock-holder.ts', import.meta.url));
const locked = expect.objectContaining({ code: 'directory-locked' });
const unsafe = expect.objectContaining({ code: 'directory-unsafe' });

describe('the lock of a data directory', () => {
  test('keeps a second holder out at once and lets it in after the first is killed', async () => {
    await using directory = await temporaryDirectory();
    await using holder = await startProcess({ args: ['--expose-gc', lockHolder, directory.path], ready: /^locked$/ });
    expect(() => lockDirectory(directory.path)).toThrow(locked);
    await expect(
      startProcess({ args: ['--expose-gc', lockHolder, directory.path], ready: /^locked$/ }),
    ).rejects.toThrow(/directory-locked/);
    await holder.kill('SIGKILL');
    const lock = lockDirectory(directory.path);
    expect(() => lockDirectory(directory.path)).toThrow(locked);
    lock.release();
    lockDirectory(directory.path).release();
  });

  test('is not mistaken for one of another process when its file is damaged or cannot be made', async () => {
    await using directory = await temporaryDirectory();
    writeFileSync(directory.file('lock.db'), 'not a database, and long enough to have a header'.repeat(50));
    const failed = expect.objectContaining({ code: 'storage-failed' });
    expect(() => lockDirectory(directory.path)).toThrow(failed);
    expect(() => lockDirectory(directory.file('nowhere'))).toThrow(failed);
  });
});

describe('a private directory', () => {
  test('is made with its parents, closed to others whatever the umask', async () => {
    await using directory = await temporaryDirectory();
    const path = directory.file('a/b');
    ensurePrivateDirectory(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    ensurePrivateDirectory(path);
    expect(readdirSync(path)).toEqual([]);
  });

  test.each([0o750, 0o705, 0o701, 0o770])('is refused with mode %i, and left as it is', async (mode) => {
    await using directory = await temporaryDirectory();
    const path = directory.file('open');
    mkdirSync(path);
    chmodSync(path, mode);
    expect(() => ensurePrivateDirectory(path)).toThrow(unsafe);
    expect(statSync(path).mode & 0o777).toBe(mode);
  });

  test('is not followed through a symbolic link', async () => {
    await using directory = await temporaryDirectory();
    mkdirSync(directory.file('real'), { mode: 0o700 });
    symlinkSync(directory.file('real'), directory.file('link'));
    expect(() => ensurePrivateDirectory(directory.file('link'))).toThrow(unsafe);
  });

  // In a process of its own: what never ends cannot be ended by a timer in it.
  test('is refused at once where the system lets none be made', { timeout: 10_000 }, async () => {
    const script = fileURLToPath(new URL('directory-maker.ts', import.meta.url));
    const maker = spawnSync(process.execPath, [script, '/proc/nope/backups'], { timeout: 5000, encoding: 'utf8' });
    expect([maker.signal, maker.stdout]).toEqual([
      null,
      'directory-unsafe: /proc/nope/backups cannot be made: ENOENT\n',
    ]);
  });

  test('is refused where a file stands', async () => {
    await using directory = await temporaryDirectory();
    writeFileSync(directory.file('file'), '');
    expect(() => ensurePrivateDirectory(directory.file('file'))).toThrow(unsafe);
    expect(() => ensurePrivateDirectory(directory.file('file/inside'))).toThrow(unsafe);
  });
});
