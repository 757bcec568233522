import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { temporaryDirectory } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { TestDaemon } from './support/test-daemon.ts';

test("one agent's damaged file leaves the others at work, and the metrics say that there is one", async () => {
  await using place = await temporaryDirectory();
  const directory = place.file('node');
  const first = await TestDaemon.start({ directory });
  const [ada, bob] = [await first.agent('ada'), await first.agent('bob')];
  for (const token of [ada, bob]) await first.call('PUT /v1/kv/a', { token, body: 1 });
  await first.stop();
  const file = join(directory, 'agents', 'bob.db');
  for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  writeFileSync(file, Buffer.alloc(8192, 'no database '));
  await using daemon = await TestDaemon.start({ directory });
  expect((await daemon.call('GET /v1/kv/a', { token: ada })).json).toBe(1);
  const refused = await daemon.call('GET /v1/kv/a', { token: bob });
  expect({ status: refused.status, code: refused.json.code as unknown }).toEqual({
    status: 503,
    code: 'storage-failed',
  });
  const metrics = await daemon.call('GET /metrics');
  expect(metrics.status).toBe(200);
  expect(metrics.text).toMatch(/^holdfast_unreadable_files 1$/m);
  expect(metrics.text).toMatch(/^holdfast_records 1$/m);
});
