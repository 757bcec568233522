import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { checkBackups } from '../src/doctor/backups.ts';
import { checkDirectory, checkDisk } from '../src/doctor/directory.ts';
import { checkNodeVersion, checkSqlite } from '../src/doctor/machine.ts';
import { checkReady } from '../src/doctor/service.ts';
import { inTemporaryDirectory, runHoldfast } from './run-holdfast.ts';

const NOON = '2026-11-20T12:00:00.000Z';

describe('the doctor', () => {
  test('knows which Node versions will do', () => {
    expect(checkNodeVersion('22.19.0').level).toBe('ok');
    expect(checkNodeVersion('24.0.0').level).toBe('ok');
    expect(checkNodeVersion('22.18.9').level).toBe('fail');
    expect(checkNodeVersion('20.19.0').level).toBe('fail');
  });

  test('finds SQLite durable', () => {
    expect(checkSqlite()).toMatchObject({ level: 'ok', detail: expect.stringContaining('durable') });
  });

  test('finds a data directory that is open to others, and says what to do', async () => {
    await inTemporaryDirectory((directory) => {
      const data = join(directory, 'data');
      expect(checkDirectory(data).level).toBe('warn');
      mkdirSync(data, { mode: 0o700 });
      expect(checkDirectory(data).level).toBe('ok');
      chmodSync(data, 0o750);
      expect(checkDirectory(data)).toMatchObject({ level: 'fail', remedy: `chmod 0700 ${data}` });
      writeFileSync(join(directory, 'file'), '');
      expect(checkDirectory(join(directory, 'file')).level).toBe('fail');
    });
  });

  test('looks at the disk of a directory that is yet to be made', async () => {
    await inTemporaryDirectory((directory) => {
      expect(checkDisk(join(directory, 'a', 'b')).map(({ check }) => check)).toEqual(['disk space', 'file system']);
    });
  });

  test('tells why a service is not ready', async () => {
    const finding = await checkReady(
      { ready: async () => ({ ready: false, report: { disk: 'full' } }) },
      'holdfast node',
    );
    expect(finding).toMatchObject({ level: 'fail', detail: 'not ready: {"disk":"full"}' });
  });

  test.each([
    { verified: [], failure: null, found: { level: 'warn', detail: 'none' } },
    { verified: [null], failure: null, found: { level: 'warn', detail: 'none was verified' } },
    { verified: [null, NOON], failure: null, found: { level: 'ok', detail: 'the last verified one is 1' } },
    { verified: [NOON], failure: 'no room', found: { level: 'fail', detail: 'the last one failed: no room' } },
  ])('says of backups: $found.detail', async ({ verified, failure, found }) => {
    const backups = verified.map((verified_at, index) => ({
      id: String(index),
      made_at: NOON,
      files: 1,
      bytes: 1,
      new_bytes: 1,
      verified_at,
    }));
    const last_error = failure === null ? null : { at: NOON, detail: failure };
    const list = async () => ({ directory: '/backups', running: null, last_error, next_at: null, backups });
    expect(await checkBackups({ list })).toMatchObject({ check: 'backups', ...found });
  });

  test('ends with 1 when the service does not run, with every finding in its JSON', async () => {
    const { exitCode, stdout } = await runHoldfast(['doctor', 'node', '--json', '--url', 'http://127.0.0.1:9']);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      machine: [
        { check: 'Node.js', level: 'ok' },
        { check: 'SQLite', level: 'ok' },
      ],
      node: expect.arrayContaining([
        expect.objectContaining({ check: 'service', level: 'fail', remedy: 'Start it: holdfast node' }),
      ]),
    });
  });
});
