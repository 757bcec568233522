import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Backups } from '@holdfast/protocol';
import { eventually, temporaryDirectory } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { flipBit } from './support/damage.ts';
import { TestDaemon } from './support/test-daemon.ts';

const LIMIT_MS = 60_000;

/** Has a daemon take a backup, and waits for it. */
async function backUp(daemon: TestDaemon): Promise<Backups> {
  expect((await daemon.call('POST /v1/backups')).status).toBe(202);
  return eventually(
    async () => {
      const answer = (await daemon.call('GET /v1/backups')).json as Backups;
      expect(answer.running).toBeNull();
      return answer;
    },
    { limitMs: LIMIT_MS },
  );
}

test(
  'a record that rots is found by a backup, which is verified without its agent; the others are in it and serve',
  { timeout: 2 * LIMIT_MS },
  async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    const first = await TestDaemon.start({ directory });
    const [ada, bob] = [await first.agent('ada'), await first.agent('bob')];
    for (const token of [ada, bob]) await first.call('PUT /v1/kv/a', { token, body: ['a secret document'] });
    await first.stop();
    const file = join(directory, 'agents', 'bob.db');
    flipBit(file, readFileSync(file).indexOf('a secret document'));
    await using daemon = await TestDaemon.start({ directory });
    const { backups, last_error: lastError } = await backUp(daemon);
    expect(lastError).toBeNull();
    expect(backups).toMatchObject([
      { verified_at: expect.any(String), missing: [{ agent: 'bob', reason: 'file-damaged' }] },
      { verified_at: null, missing: [] },
    ]);
    expect((await daemon.call('GET /v1/kv/a', { token: bob })).json).toMatchObject({ code: 'file-damaged' });
    expect((await daemon.call('GET /v1/kv/a', { token: ada })).json).toEqual(['a secret document']);
  },
);

test(
  'what all backups take is told also after a restart, before another one is made',
  { timeout: 2 * LIMIT_MS },
  async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('node');
    const first = await TestDaemon.start({ directory });
    await backUp(first);
    const bytesOf = async (daemon: TestDaemon): Promise<string | undefined> =>
      /^holdfast_backup_bytes (\d+)$/m.exec((await daemon.call('GET /metrics')).text)?.[1];
    const bytes = await bytesOf(first);
    expect(Number(bytes)).toBeGreaterThan(0);
    await first.stop();
    await using daemon = await TestDaemon.start({ directory });
    await eventually(async () => expect(await bytesOf(daemon)).toBe(bytes), { limitMs: LIMIT_MS });
  },
);
