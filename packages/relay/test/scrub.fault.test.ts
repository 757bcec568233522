import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { relayRoutes, type RelayStatus } from '@holdfast/protocol';
import { openDatabase } from '@holdfast/sqlite';
import { checkFile } from '@holdfast/store';
import { eventually } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { makeChange } from '../conformance/material.ts';
import { answerOf, changeLines, edited, listeningLog, type TestNode, TestRelay } from './relay-fixture.ts';

const LIMIT_MS = 20_000;

async function metricsAfterPass(relay: TestRelay): Promise<string> {
  return eventually(
    async () => {
      const { text } = await relay.call('GET', '/metrics', { token: relay.adminToken });
      expect(text).toMatch(/^holdfast_scrub_last_pass_timestamp_seconds [1-9]/m);
      return text;
    },
    { limitMs: LIMIT_MS },
  );
}

async function statusOf(relay: TestRelay): Promise<RelayStatus> {
  return answerOf(relayRoutes.status, await relay.call('GET', '/relay/status', { token: await relay.token('viewer') }));
}

async function digestAt(node: TestNode): Promise<string | undefined> {
  return answerOf(relayRoutes.session, await node.session()).streams[0]?.digest;
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(path, bytes);
}

test('the relay’s database is checked in the background: sound after all kinds of changes, and told when a record rots', async () => {
  await using relay = new TestRelay();
  await relay.start();
  const node = await relay.node();
  const [first = '', second = '', ...rest] = changeLines(30);
  // The second is refused for its hash: it becomes a dead letter, and no part of the digest.
  expect(await node.batch({ lines: [first, edited(second, { hash: '0'.repeat(32) }), ...rest] })).toMatchObject({
    status: 200,
  });
  await relay.running.stop();
  const sound = listeningLog('warn');
  await relay.start(sound.log, 0);
  expect(await metricsAfterPass(relay)).toMatch(/^holdfast_scrub_files_checked_total 1$/m);
  expect(await metricsAfterPass(relay)).toMatch(/^holdfast_scrub_problems_total 0$/m);
  expect(sound.lines).toEqual([]);
  expect(await statusOf(relay)).toMatchObject({ disk: { state: 'ok' }, scrub: { files_done: 1, problems: 0 } });
  await relay.running.stop();
  const path = join(relay.directory, 'relay.db');
  flip(path, readFileSync(path).indexOf('{"n":17}') + 2);
  const rotten = listeningLog('warn');
  await relay.start(rotten.log, 0);
  expect(await metricsAfterPass(relay)).toMatch(/^holdfast_scrub_problems_total 1$/m);
  expect(await statusOf(relay)).toMatchObject({ scrub: { problems: 1, last_pass_at: expect.any(String) } });
  expect(rotten.lines).toHaveLength(1);
  expect(rotten.lines[0]).toContain('"kind":"hash"');
  expect(rotten.lines[0]).not.toContain('"n"');
});

test.each([
  'UPDATE relay SET last_position = 1',
  "UPDATE agents SET digest = '0123456789abcdef'",
  'UPDATE collections SET records = records + 1',
  'UPDATE records SET outdated = 1 WHERE position = 2',
  'DELETE FROM records WHERE position = 2',
])('a relay’s kept figures are compared with its records: %s', async (sql) => {
  await using relay = new TestRelay();
  await relay.start();
  const node = await relay.node();
  await node.batch({ lines: changeLines(5) });
  await relay.running.stop();
  const path = join(relay.directory, 'relay.db');
  expect(await checkFile(path, 'relay')).toMatchObject({ state: 'sound', records: 5 });
  const database = openDatabase(path);
  database.exec(sql);
  database.close();
  expect(await checkFile(path, 'relay')).toMatchObject({ state: 'damaged', problems: [{ kind: 'counter' }] });
});

test('a record that vanished from the relay’s database leaves the digest, so that its node finds it missing', async () => {
  await using relay = new TestRelay();
  await relay.start();
  const node = await relay.node();
  await node.batch({ lines: changeLines(5) });
  const before = await digestAt(node);
  await relay.running.stop();
  const database = openDatabase(join(relay.directory, 'relay.db'));
  database.exec('DELETE FROM records WHERE position = 2');
  database.close();
  await relay.start(undefined, 0);
  expect(before).toMatch(/^[0-9a-f]{16}$/);
  await eventually(async () => expect(await digestAt(node)).not.toBe(before), { limitMs: LIMIT_MS });
  await relay.running.stop();
  expect(await checkFile(join(relay.directory, 'relay.db'), 'relay')).toMatchObject({ records: 4 });
});

test('members and words of the relay that are not those of its records are told and made anew', async () => {
  await using relay = new TestRelay();
  await relay.start();
  const node = await relay.node();
  const lines = Array.from({ length: 5 }, (_, n) => {
    const doc = { skills: ['django'], notes: 'likes kelp' };
    return makeChange({ seq: n + 1, collection: 'candidates', id: `c-${n}`, doc }).line;
  });
  expect(await node.batch({ lines })).toMatchObject({ status: 200 });
  await relay.running.stop();
  const path = join(relay.directory, 'relay.db');
  expect(await checkFile(path, 'relay')).toMatchObject({ state: 'sound', derived: [] });
  const database = openDatabase(path);
  database.exec('DELETE FROM members WHERE rowid = 2; DELETE FROM texts WHERE rowid = 4');
  database.close();
  const told = listeningLog('trace');
  await relay.start(told.log, 0);
  const found = async (query: object): Promise<number> => {
    const body = { collection: 'candidates', ...query };
    const { json } = await relay.call('POST', '/relay/query', { token: relay.adminToken, body });
    const { records } = json as { readonly records: readonly unknown[] };
    return records.length;
  };
  await eventually(
    async () => {
      expect(await found({ where: { skills: { hasAll: ['django'] } } })).toBe(5);
      expect(await found({ search: 'kelp' })).toBe(5);
      expect(told.lines.join('')).toContain('were made anew from the records');
    },
    { limitMs: LIMIT_MS },
  );
  expect(told.lines.filter((line) => line.includes('"kind":"derived"'))).toHaveLength(1);
  await relay.running.stop();
  expect(await checkFile(path, 'relay')).toMatchObject({ state: 'sound', records: 5 });
});

test('a relay does not start over a damaged log, nor with an empty database', async () => {
  await using relay = new TestRelay();
  await relay.start();
  const node = await relay.node();
  for (let seq = 1; seq < 4; seq += 1) await node.immediate(changeLines(1, seq)[0]);
  // As a crash leaves it: the database with its log.
  const files = ['relay.db', 'relay.db-wal'].map((name) => join(relay.directory, name));
  const crashed = files.map((path) => {
    copyFileSync(path, `${path}.crashed`);
    return readFileSync(`${path}.crashed`);
  });
  await relay.running.stop();
  const putBack = (): void => files.forEach((path) => copyFileSync(`${path}.crashed`, path));
  putBack();
  flip(files[1] ?? '', 100);
  const damaged = files.map((path) => readFileSync(path));
  await expect(relay.start()).rejects.toMatchObject({ code: 'file-damaged' });
  expect(files.map((path) => readFileSync(path))).toEqual(damaged);
  putBack();
  flip(files[1] ?? '', (crashed[1]?.length ?? 0) - 1);
  const suspect = listeningLog('warn');
  await relay.start(suspect.log);
  expect(suspect.lines.join('')).toContain('the last transaction');
  await relay.running.stop();
  truncateSync(files[0] ?? '', 0);
  await expect(relay.start()).rejects.toMatchObject({ code: 'file-damaged' });
});
