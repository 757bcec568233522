import { join } from 'node:path';

import { restoreService } from '@holdfast/backup';
import type { Backups } from '@holdfast/protocol';
import { ensurePrivateDirectory, lockDirectory, openDatabase } from '@holdfast/sqlite';
import { checkFile } from '@holdfast/store';
import { eventually, temporaryDirectory } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { changeLines, listeningLog, TestRelay } from './relay-fixture.ts';

const LIMIT_MS = 60_000;
const schemas = { node: 1000, relay: 1000, agent: 1000 };

interface Rotten {
  readonly backups: Backups;
  readonly lines: readonly string[];
}

/** Spoils the database of a relay with five records by SQL, and has the relay take a backup of it. */
async function backUpRotten(relay: TestRelay, sql: string): Promise<Rotten> {
  await relay.start();
  const node = await relay.node();
  await node.batch({ lines: changeLines(5) });
  await relay.running.stop();
  const database = openDatabase(join(relay.directory, 'relay.db'));
  database.exec(sql);
  database.close();
  const { log, lines } = listeningLog('warn');
  await relay.start(log);
  expect((await relay.call('POST', '/relay/backups', { token: relay.adminToken })).status).toBe(202);
  const backups = await eventually(
    async () => {
      const { text } = await relay.call('GET', '/relay/backups', { token: relay.adminToken });
      const answer = JSON.parse(text) as Backups;
      expect(answer.running).toBeNull();
      return answer;
    },
    { limitMs: LIMIT_MS },
  );
  return { backups, lines };
}

test(
  'a relay’s backup is verified although a record had rotted, says so, and can be put back',
  { timeout: LIMIT_MS },
  async () => {
    await using relay = new TestRelay();
    const rot = `UPDATE records SET doc = '{"n":99}' WHERE position = 2`;
    const { backups, lines } = await backUpRotten(relay, rot);
    const damage = expect.stringMatching(/^relay\.db: hash \(1\): /);
    expect(backups.last_error).toBeNull();
    expect(backups.backups).toMatchObject([{ verified_at: expect.any(String), damaged_records: [damage] }]);
    expect(lines.filter((line) => line.includes('had rotted before'))).toHaveLength(1);
    await using place = await temporaryDirectory();
    const directory = place.file('relay');
    ensurePrivateDirectory(directory);
    const lock = lockDirectory(directory);
    const from = join(relay.directory, 'backups');
    const onFile = (): void => undefined;
    const request = { from, id: undefined, service: 'relay', directory, schemas, onFile } as const;
    expect(await restoreService(request)).toMatchObject({ damagedRecords: [damage] });
    lock.release();
    expect(await checkFile(join(directory, 'relay.db'), 'relay')).toMatchObject({ records: 5 });
  },
);

test.each([
  'UPDATE collections SET records = records + 1',
  `UPDATE collections SET records = records + 1; UPDATE records SET doc = '{"n":99}' WHERE position = 2`,
])('a relay’s backup is not verified with any other damage: %s', { timeout: LIMIT_MS }, async (sql) => {
  await using relay = new TestRelay();
  const { backups } = await backUpRotten(relay, sql);
  expect(backups.backups).toMatchObject([{ verified_at: null }]);
  expect(backups.last_error?.detail).toContain('cannot be restored');
});
