import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { openDatabase } from '@holdfast/sqlite';
import { describe, expect, test } from 'vitest';

import { inTemporaryDirectory, runHoldfast } from './run-holdfast.ts';

const LIMIT_MS = 120_000;

/** Runs a command that must succeed, and gives its JSON answer. */
async function ask(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await runHoldfast([...args, '--json']);
  expect([exitCode, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** Runs a command that must fail, and gives exit code and error code. */
async function failure(...args: readonly string[]): Promise<readonly [number | null, unknown]> {
  const { exitCode, stderr } = await runHoldfast([...args, '--json']);
  return [exitCode, (JSON.parse(stderr) as { error: { code: unknown } }).error.code];
}

describe.each(['node', 'relay'] as const)('a %s that does not run', (service) => {
  test('is backed up by its files, verified and put back', { timeout: LIMIT_MS }, async () => {
    await inTemporaryDirectory(async (home) => {
      const place = ['--data-dir', join(home, 'data')];
      await ask('init', service, ...place);
      const token = readFileSync(join(home, 'data', 'admin.token'), 'utf8');
      const backup = await ask('backup', ...place);
      expect(backup).toMatchObject({ directory: join(home, 'data', 'backups'), problems: [] });
      expect(await ask('backup', 'list', ...place)).toMatchObject({ backups: [{ id: backup['id'], files: 2 }] });
      expect(await ask('backup', 'verify', ...place)).toMatchObject({ backups: [{ problems: [] }] });
      const other = join(home, 'other');
      const from = join(home, 'data', 'backups');
      expect(await ask('restore', service, '--from', from, '--data-dir', other)).toMatchObject({ replaced: null });
      expect(readFileSync(join(other, 'admin.token'), 'utf8')).toBe(token);
      expect(await ask('restore', service, ...place)).toMatchObject({ replaced: expect.stringContaining('replaced-') });
    });
  });
});

describe('a backup that is damaged', () => {
  test('is told by verify and refused by restore', { timeout: LIMIT_MS }, async () => {
    await inTemporaryDirectory(async (home) => {
      const place = ['--data-dir', join(home, 'data')];
      await ask('init', 'node', ...place);
      await ask('backup', ...place);
      const chunks = join(home, 'data', 'backups', 'chunks');
      const [folder = ''] = readdirSync(chunks);
      const [chunk = ''] = readdirSync(join(chunks, folder));
      writeFileSync(join(chunks, folder, chunk), 'rot');
      const { exitCode, stdout } = await runHoldfast(['backup', 'verify', ...place]);
      expect(exitCode).toBe(1);
      expect(stdout).toContain(chunk);
      expect(await failure('restore', 'node', ...place)).toEqual([1, 'backup-damaged']);
    });
  });
});

test('a node that is put back tells what was never sent, and what to expect', { timeout: LIMIT_MS }, async () => {
  await inTemporaryDirectory(async (home) => {
    const data = join(home, 'data');
    await ask('init', 'node', '--data-dir', data);
    const node = openDatabase(join(data, 'node.db'));
    node.exec("INSERT INTO enrolment VALUES (1, 'workstation', 'http://127.0.0.1:1', 'secret', 0, 0)");
    node.close();
    await ask('backup', '--data-dir', data);
    const agent = openDatabase(join(data, 'agents', 'ada.db'));
    agent.exec('CREATE TABLE stream (id INTEGER PRIMARY KEY, outbox INTEGER); INSERT INTO stream VALUES (1, 7)');
    agent.close();
    const { stdout } = await runHoldfast(['restore', 'node', '--data-dir', data]);
    expect(stdout).toMatch(/^ {2}7 changes in it were never sent to the relay; they are in replaced-[\w-]+$/m);
    expect(stdout).toContain('the node may show `cloned` for up to a minute');
  });
});

describe('a newest backup that cannot be read', () => {
  test('is not passed over, and the older verified one is named', { timeout: LIMIT_MS }, async () => {
    await inTemporaryDirectory(async (home) => {
      const place = ['--data-dir', join(home, 'data')];
      await ask('init', 'node', ...place);
      const [older, newest] = [await ask('backup', ...place), await ask('backup', ...place)];
      writeFileSync(join(home, 'data', 'backups', `${String(newest['id'])}.json`), '{}');
      const { exitCode, stderr } = await runHoldfast(['restore', 'node', ...place, '--json']);
      const { error } = JSON.parse(stderr) as { error: Record<string, string> };
      expect([exitCode, error['code']]).toEqual([1, 'backup-damaged']);
      expect(error['remedy']).toContain(`holdfast restore node --backup ${String(older['id'])}`);
      await ask('restore', 'node', '--backup', String(older['id']), ...place);
    });
  });
});

describe.skipIf(process.getuid?.() !== 0)('a data directory of the service’s own user', () => {
  const SERVICE = 12_345;

  function giveAway(path: string): void {
    lchownSync(path, SERVICE, SERVICE);
    for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
      lchownSync(join(entry.parentPath, entry.name), SERVICE, SERVICE);
    }
  }

  test('is backed up by root, and all that is made belongs to that user', { timeout: LIMIT_MS }, async () => {
    await inTemporaryDirectory(async (home) => {
      const data = join(home, 'data');
      await ask('init', 'node', '--data-dir', data);
      const outside = join(home, 'outside');
      mkdirSync(outside);
      writeFileSync(join(outside, 'file'), '');
      mkdirSync(join(data, 'backups', 'chunks'), { recursive: true, mode: 0o700 });
      giveAway(data);
      symlinkSync(outside, join(data, 'backups', 'chunks', 'link'));
      await ask('backup', '--data-dir', data);
      expect(lstatSync(join(outside, 'file')).uid).toBe(0);
      rmSync(outside, { recursive: true });
      const entries = readdirSync(data, { recursive: true, withFileTypes: true });
      const made = entries.map((entry) => join(entry.parentPath, entry.name));
      expect(made.some((path) => path.includes('/backups/chunks/'))).toBe(true);
      expect(made.filter((path) => lstatSync(path).uid !== SERVICE)).toEqual([]);
    });
  });

  test('is refused when others can enter it', { timeout: LIMIT_MS }, async () => {
    await inTemporaryDirectory(async (home) => {
      const data = join(home, 'data');
      await ask('init', 'node', '--data-dir', data);
      giveAway(data);
      chmodSync(data, 0o750);
      expect(await failure('backup', '--data-dir', data)).toEqual([1, 'directory-unsafe']);
    });
  });
});

describe('what is asked wrongly', () => {
  test.each([
    [['restore']],
    [['restore', 'node', '--agent', 'ada', '--from', 'relay']],
    [['restore', '--agent', 'ada', '--from', 'elsewhere']],
    [['restore', '--agent', 'ada', '--from', 'relay', '--backup', '2026-11-20T14-00-00Z']],
    [['restore', 'house']],
  ])('%j is a usage error', async (args) => {
    expect(await failure(...args)).toEqual([2, 'usage']);
  });

  test('a directory without backups is no source', async () => {
    await inTemporaryDirectory(async (home) => {
      const place = ['--from', home, '--data-dir', join(home, 'data')];
      expect(await failure('backup', 'list', ...place)).toEqual([1, 'backup-not-found']);
      expect(await ask('backup', 'list', '--data-dir', join(home, 'data'))).toMatchObject({ backups: [] });
      expect(await failure('backup', 'verify', ...place)).toEqual([1, 'backup-not-found']);
      expect(await failure('restore', 'node', ...place)).toEqual([1, 'backup-not-found']);
    });
  });
});

test('init finishes a restore that was cut short, and makes nothing in its place', { timeout: LIMIT_MS }, async () => {
  await inTemporaryDirectory(async (home) => {
    const data = join(home, 'data');
    await ask('init', 'node', '--data-dir', data);
    const token = readFileSync(join(data, 'admin.token'), 'utf8');
    const place = ['node.db', 'agents', 'admin.token'];
    mkdirSync(join(data, 'restoring', 'new'), { recursive: true });
    for (const name of place) renameSync(join(data, name), join(data, 'restoring', 'new', name));
    const plan = JSON.stringify({ backup: '2026-01-01T00-00-00Z', replaced: 'replaced-then', setAside: [], place });
    const seal = createHash('sha256').update(plan).digest('hex');
    writeFileSync(join(data, 'restoring', 'plan.json'), `{"sha256":"${seal}","content":${plan}}\n`);
    expect(await ask('init', 'node', '--if-missing', '--data-dir', data)).toMatchObject({ created: false });
    expect(readFileSync(join(data, 'admin.token'), 'utf8')).toBe(token);
    expect(existsSync(join(data, 'restoring'))).toBe(false);
  });
});
