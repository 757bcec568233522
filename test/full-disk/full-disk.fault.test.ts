import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { HoldfastProblem } from '@holdfast/client';
import { mustSkip, smallDisk } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { readRelay } from '../harness/stored.ts';
import { startNetwork } from '../harness/network.ts';

const MEBIBYTE = 1024 * 1024;
const DISK_MEGABYTES = 12;
const RESERVE_MEGABYTES = 4;
const TRIES = 20;
const SOON_MS = 30_000;
const LIMIT_MS = 120_000;

/** Takes so much of a disk that its reserve begins; the function returned gives it back. */
function fill(directory: string): () => void {
  const filler = join(directory, 'filler');
  writeFileSync(filler, Buffer.alloc((DISK_MEGABYTES - RESERVE_MEGABYTES) * MEBIBYTE));
  return () => rmSync(filler);
}

function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: unknown) => (error instanceof HoldfastProblem ? error.code : String(error)),
  );
}

function count(log: readonly Readonly<Record<string, unknown>>[], text: RegExp): number {
  return log.filter(({ msg }) => text.test(String(msg))).length;
}

describe.skipIf(mustSkip('full disks', ['root']))('a full disk', () => {
  test(
    'of a node refuses writes and nothing else, is said once, and writes resume by themselves',
    async () => {
      await using disk = await smallDisk(DISK_MEGABYTES);
      const nodeFlags = ['--disk-reserve-megabytes', String(RESERVE_MEGABYTES)];
      await using network = await startNetwork({ nodes: { small: ['ada'] }, nodeFlags, disks: { small: disk.path } });
      const { client } = network.agent('ada');
      const notes = client.collection('notes');
      const { admin, service } = network.node('small');
      await network.relay.end('SIGKILL');
      await notes.put('before', { n: 1 });

      const empty = fill(disk.path);
      await expect.poll(() => codeOf(notes.put('before', { n: 1 })), { timeout: SOON_MS }).toBe('disk-full');
      const refused = Array.from({ length: TRIES }, (_, at) => codeOf(notes.put(`refused-${at}`, { n: at })));
      expect(new Set(await Promise.all(refused))).toEqual(new Set(['disk-full']));
      expect(await codeOf(client.batch([{ op: 'delete', collection: 'notes', id: 'before' }]))).toBe('disk-full');
      expect(await notes.get('before')).toMatchObject({ doc: { n: 1 } });
      expect((await admin.node.status()).disk).toMatchObject({ state: 'low', reserve_bytes: 4 * MEBIBYTE });
      expect((await fetch(`${service.url}/readyz`)).status).toBe(503);

      await network.relay.start();
      await expect.poll(async () => (await readRelay(network.desk)).size, { timeout: SOON_MS }).toBe(1);
      await expect.poll(async () => (await client.status()).outbox.records, { timeout: SOON_MS }).toBe(0);

      empty();
      await expect.poll(() => codeOf(notes.put('after', { n: 3 })), { timeout: SOON_MS }).toBe('done');
      expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
      await expect.poll(async () => (await readRelay(network.desk)).size, { timeout: SOON_MS }).toBe(2);
      expect(await notes.get('refused-0')).toBeUndefined();
      const log = service.log();
      expect([count(log, /nearly full/), count(log, /writes again/), count(log, /request failed/)]).toEqual([1, 1, 0]);
    },
    LIMIT_MS,
  );

  test(
    'of the relay makes nodes wait, while queries and sessions go on, and everything arrives when there is room',
    async () => {
      await using disk = await smallDisk(DISK_MEGABYTES);
      const relayFlags = ['--disk-reserve-megabytes', String(RESERVE_MEGABYTES)];
      await using network = await startNetwork({ nodes: { big: ['ada'] }, relayFlags, disks: { relay: disk.path } });
      const { client } = network.agent('ada');
      const notes = client.collection('notes');
      await notes.put('before', { n: 1 }, { ack: 'relay', timeout: 30 });

      const empty = fill(disk.path);
      await expect
        .poll(async () => (await fetch(`${network.relay.url}/readyz`)).status, { timeout: SOON_MS })
        .toBe(503);
      expect(await notes.put('during', { n: 2 }, { ack: 'relay', timeout: 1 })).toMatchObject({ ack: 'local' });
      await expect.poll(async () => (await client.status()).sync_error, { timeout: SOON_MS }).toContain('disk-full');
      expect((await readRelay(network.desk)).size).toBe(1);
      await network.node('big').service.end('SIGTERM');
      await network.node('big').service.start();
      await network.untilLink('big', 'open');

      empty();
      await expect.poll(async () => (await readRelay(network.desk)).size, { timeout: SOON_MS }).toBe(2);
      const log = network.relay.log();
      expect([count(log, /nearly full/), count(log, /writes again/), count(log, /request failed/)]).toEqual([1, 1, 0]);
    },
    LIMIT_MS,
  );
});
