import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { inTemporaryDirectory, runHoldfast } from './run-holdfast.ts';

const LIMIT_MS = 60_000;

/** Prepares a service, and writes nonsense over a part of its database. */
async function damage(service: string, directory: string, at: number, length: number): Promise<string> {
  await runHoldfast(['init', service, '--data-dir', directory]);
  const path = join(directory, `${service}.db`);
  writeFileSync(path, readFileSync(path).fill(0xa5, at, at + length));
  return path;
}

describe.each(['node', 'relay'])('a %s whose own database is damaged', (service) => {
  test.each([
    ['in its header', 0, 16],
    ['in its tables', 4096, 8192],
  ])('%s ends with 1, the file and what to do', { timeout: LIMIT_MS }, async (_where, at, length) => {
    await inTemporaryDirectory(async (home) => {
      const data = join(home, 'data');
      const path = await damage(service, data, at, length);
      const { exitCode, stdout, stderr } = await runHoldfast([service, '--data-dir', data, '--listen-port', '0']);
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
      expect(stderr).toMatch(new RegExp(`^holdfast: The file is damaged: ${path} cannot be read: SQLITE_\\w+\\. .+\n`));
      expect(stderr).toContain(`holdfast restore ${service}`);
      expect(stderr).not.toMatch(/this is a bug|^ {4}at /im);
    });
  });

  test('is found by the doctor while it is stopped', { timeout: LIMIT_MS }, async () => {
    await inTemporaryDirectory(async (home) => {
      const data = join(home, 'data');
      const path = await damage(service, data, 4096, 8192);
      const before = readFileSync(path);
      const { exitCode, stdout } = await runHoldfast(['doctor', service, '--data-dir', data]);
      expect(exitCode).toBe(1);
      expect(stdout).toContain(`✗ database        ${path} is damaged`);
      expect(stdout).toContain(`holdfast restore ${service}`);
      expect(readFileSync(path)).toEqual(before);
    });
  });

  test('and one that is sound is told from it', { timeout: LIMIT_MS }, async () => {
    await inTemporaryDirectory(async (home) => {
      const data = join(home, 'data');
      await damage(service, data, 0, 0);
      const { stdout } = await runHoldfast(['doctor', service, '--data-dir', data]);
      expect(stdout).toContain(`✗ service         the ${service} of ${data} does not run`);
      expect(stdout).toContain(`✓ database        ${join(data, `${service}.db`)} is sound`);
    });
  });
});
