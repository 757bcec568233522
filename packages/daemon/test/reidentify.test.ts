import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { temporaryDirectory } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { ModelRelay } from './support/model-relay.ts';
import { TestDaemon } from './support/test-daemon.ts';

function joins(relay: ModelRelay): number {
  return relay.calls.filter(({ path }) => path === '/relay/join').length;
}

test('a node without a relay has no identity to change', async () => {
  await using relay = await ModelRelay.start();
  await using daemon = await TestDaemon.start();
  const body = { relay: relay.url, token: 'join', name: 'other' };
  expect(await daemon.call('POST /v1/node/reidentify', { body })).toMatchObject({
    status: 503,
    json: { code: 'not-enrolled' },
  });
  expect(joins(relay)).toBe(0);
});

test('a node with a damaged file keeps its name until the file is restored, and its join token too', async () => {
  await using place = await temporaryDirectory();
  await using relay = await ModelRelay.start();
  const directory = place.file('node');
  const first = await TestDaemon.start({ directory });
  await first.agent('ada');
  await first.call('PUT /v1/kv/a', { headers: { 'holdfast-agent': 'ada' }, body: 1 });
  await first.call('POST /v1/node/join', { body: { relay: relay.url, token: 'join', name: 'one' } });
  await first.stop();
  writeFileSync(join(directory, 'agents', 'ada.db'), Buffer.alloc(8192, 'no database '));
  await using daemon = await TestDaemon.start({ directory });
  expect((await daemon.call('GET /v1/kv/a', { headers: { 'holdfast-agent': 'ada' } })).status).toBe(503);
  const reply = await daemon.call('POST /v1/node/reidentify', { body: { token: 'join', name: 'other' } });
  expect(reply).toMatchObject({ status: 503, json: { code: 'file-damaged' } });
  expect(reply.json.detail).toContain('ada');
  expect(joins(relay)).toBe(1);
  expect((await daemon.call('GET /v1/node')).json.node).toBe('one');
});
