import { copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { isHoldfastError } from '@holdfast/protocol';
import { openDatabase } from '@holdfast/sqlite';
import { eventually, temporaryDirectory } from '@holdfast/testkit';
import { pino } from 'pino';
import { expect, test } from 'vitest';

import { flipBit } from './support/damage.ts';
import { TestDaemon } from './support/test-daemon.ts';

const LIMIT_MS = 20_000;

async function codeOfStart(directory: string): Promise<unknown> {
  try {
    await using daemon = await TestDaemon.start({ directory });
    return daemon.url;
  } catch (error) {
    return isHoldfastError(error) ? error.code : error;
  }
}

test('a record that rots in its file is found by the background check and told, and the other agents go on', async () => {
  await using place = await temporaryDirectory();
  const directory = place.file('node');
  const first = await TestDaemon.start({ directory });
  const [ada, bob] = [await first.agent('ada'), await first.agent('bob')];
  for (const token of [ada, bob]) await first.call('PUT /v1/kv/a', { token, body: ['a secret document'] });
  await first.stop();
  const file = join(directory, 'agents', 'bob.db');
  flipBit(file, readFileSync(file).indexOf('a secret document'));
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  await using daemon = await TestDaemon.start({ directory, log, scrubAfterMs: 0 });
  const metrics = await eventually(
    async () => {
      const { text } = await daemon.call('GET /metrics');
      expect(text).toMatch(/^holdfast_scrub_last_pass_timestamp_seconds [1-9]/m);
      return text;
    },
    { limitMs: LIMIT_MS },
  );
  expect(metrics).toMatch(/^holdfast_scrub_files_checked_total 3$/m);
  expect(metrics).toMatch(/^holdfast_scrub_problems_total 1$/m);
  expect((await daemon.call('GET /v1/kv/a', { token: ada })).json).toEqual(['a secret document']);
  expect((await daemon.call('GET /v1/kv/a', { token: bob })).json).toMatchObject({ code: 'file-damaged' });
  expect((await daemon.call('GET /v1/node')).json).toMatchObject({
    scrub: { state: 'waiting', files_done: 3, files_total: 3, problems: 1 },
  });
  const told = lines.filter((line) => line.includes('"file":"bob"'));
  expect(told).toHaveLength(1);
  expect(told[0]).toContain('"kind":"hash"');
  expect(lines.join('')).not.toContain('secret');
});

test('a figure that rots over records that are right is counted anew, and its agent serves all the while', async () => {
  await using place = await temporaryDirectory();
  const directory = place.file('node');
  const first = await TestDaemon.start({ directory });
  const token = await first.agent('ada');
  await first.call('PUT /v1/kv/a', { token, body: 1 });
  await first.stop();
  const path = join(directory, 'agents', 'ada.db');
  const file = openDatabase(path);
  const digest = file.prepare('SELECT digest FROM stream').pluck().get();
  expect(file.prepare(`UPDATE stream SET digest = 'no digest', outbox = 7`).run().changes).toBe(1);
  file.close();
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  await using daemon = await TestDaemon.start({ directory, log, scrubAfterMs: 0 });
  expect((await daemon.call('GET /v1/kv/a', { token })).json).toBe(1);
  await eventually(
    async () => expect((await daemon.call('GET /v1/status', { token })).json).toMatchObject({ outbox: { records: 1 } }),
    { limitMs: LIMIT_MS },
  );
  const healed = openDatabase(path);
  const figures = healed.prepare('SELECT digest, outbox FROM stream');
  await eventually(() => expect(figures.get()).toEqual({ digest, outbox: 1 }), { limitMs: LIMIT_MS });
  healed.close();
  expect(lines.filter((line) => line.includes('figures kept of the records were not what was written'))).toHaveLength(
    1,
  );
});

test('members and words that are not those of the records are told and made anew, and queries find again', async () => {
  await using place = await temporaryDirectory();
  const directory = place.file('node');
  const first = await TestDaemon.start({ directory });
  const token = await first.agent('ada');
  const people = Array.from({ length: 9 }, (_, n) => ({ skills: ['django'], notes: `likes kelp ${n}` }));
  for (const [n, body] of people.entries()) await first.call(`PUT /v1/records/candidates/c-${n}`, { token, body });
  const found = async (daemon: TestDaemon): Promise<number[]> => {
    const answers = [{ where: { skills: { hasAll: ['django'] } } }, { search: 'kelp' }].map((body) =>
      daemon.call('POST /v1/records/candidates/query', { token, body }),
    );
    return (await Promise.all(answers)).map(({ json }) => (json.records as unknown[]).length);
  };
  expect(await found(first)).toEqual([9, 9]);
  await first.stop();
  const file = openDatabase(join(directory, 'agents', 'ada.db'));
  for (const table of ['members', 'texts'])
    expect(file.prepare(`DELETE FROM ${table} WHERE rowid = 3`).run().changes).toBe(1);
  file.close();
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const unchecked = await TestDaemon.start({ directory });
  expect(await found(unchecked)).toEqual([8, 8]);
  await unchecked.stop();
  await using daemon = await TestDaemon.start({ directory, log, scrubAfterMs: 0 });
  await eventually(async () => expect(await found(daemon)).toEqual([9, 9]), { limitMs: LIMIT_MS });
  expect(lines.filter((line) => line.includes('"kind":"derived"'))).toHaveLength(1);
  await eventually(
    () => expect(lines.filter((line) => line.includes('were made anew from the records'))).toHaveLength(1),
    { limitMs: LIMIT_MS },
  );
  expect(lines.join('')).not.toContain('django');
  expect((await daemon.call('GET /v1/node')).json).toMatchObject({
    scrub: { problems: 2 },
    agents: [{ agent: 'ada', state: 'ok' }],
  });
});

test.each([
  ['its header', 0, 16],
  ['its first tables', 4096, 8192],
])('a node does not start on a database that lost %s, and says which file it is', async (_, at, length) => {
  await using place = await temporaryDirectory();
  const directory = place.file('node');
  await (await TestDaemon.start({ directory })).stop();
  const path = join(directory, 'node.db');
  writeFileSync(path, readFileSync(path).fill(0xa5, at, at + length));
  await expect(TestDaemon.start({ directory })).rejects.toMatchObject({
    code: 'file-damaged',
    message: expect.stringContaining(path),
  });
});

test('the node’s own database is not opened with a damaged log, nor taken for a new one when it is gone', async () => {
  await using place = await temporaryDirectory();
  const directory = place.file('node');
  const crashed = place.file('crashed');
  mkdirSync(crashed, { mode: 0o700 });
  const first = await TestDaemon.start({ directory });
  const token = await first.agent('ada');
  await first.call('PUT /v1/kv/a', { token, body: 1 });
  // As a crash leaves it: the database with its log.
  for (const name of ['node.db', 'node.db-wal']) copyFileSync(join(directory, name), join(crashed, name));
  await first.stop();
  flipBit(join(crashed, 'node.db-wal'), 100);
  const before = ['node.db', 'node.db-wal'].map((name) => readFileSync(join(crashed, name)));
  expect(await codeOfStart(crashed)).toBe('file-damaged');
  expect(['node.db', 'node.db-wal'].map((name) => readFileSync(join(crashed, name)))).toEqual(before);
  truncateSync(join(directory, 'node.db'), 0);
  expect(await codeOfStart(directory)).toBe('file-damaged');
  rmSync(join(directory, 'node.db'));
  expect(await codeOfStart(directory)).toBe('file-damaged');
});
