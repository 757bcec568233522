import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

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

describe('what is asked wrongly', () => {
  test.each([
    [['restore']],
    [['restore', 'node', '--agent', 'ada', '--from', 'relay']],
    [['restore', '--agent', 'ada', '--from', 'elsewhere']],
    [['restore', 'house']],
  ])('%j is a usage error', async (args) => {
    expect(await failure(...args)).toEqual([2, 'usage']);
  });

  test('a directory without backups is no source', async () => {
    await inTemporaryDirectory(async (home) => {
      const place = ['--from', home, '--data-dir', join(home, 'data')];
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
