import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { HoldfastProblem } from '@holdfast/client';
import { injectedTimes, mustSkip, straceCommand } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { startNetwork } from '../harness/network.ts';
import { readRelay } from '../harness/stored.ts';

const DISK_FAILED_EXIT = 74;
/** Enough for the start and some writes, so that the fault falls between writes that are answered. */
const SYNCS_BEFORE = 60;
const MOST_WRITES = 500;
const SOON_MS = 30_000;
const LIMIT_MS = 120_000;

describe.skipIf(mustSkip('failing disks', ['strace']))('a disk that fails to sync', () => {
  test(
    'ends the node with 74 after refusing all that waits, and the next start has every acknowledged write',
    async () => {
      await using network = await startNetwork({ nodes: { unlucky: ['ada'] } });
      const { service } = network.node('unlucky');
      const notes = network.agent('ada').client.collection('notes');
      await service.end('SIGTERM');
      // Acknowledgements are synced too, and nobody waits for those.
      await network.relay.end('SIGTERM');
      const trace = network.home.file('trace');
      // A sync of the very log these writes wait for, and no other's.
      const file = join(service.directory, 'agents', 'ada.db-wal');
      writeFileSync(file, '', { mode: 0o600 });
      await service.start(straceCommand({ effect: 'EIO', at: SYNCS_BEFORE, calls: ['fsync'], file }, trace));

      const acknowledged: string[] = [];
      const failures: unknown[] = [];
      for (let at = 0; at < MOST_WRITES && failures.length === 0; at += 1) {
        const ids = [0, 1, 2, 3].map((lane) => `n-${at}-${lane}`);
        await Promise.all(
          ids.map((id) =>
            notes.put(id, { at }).then(
              () => acknowledged.push(id),
              (error: unknown) => failures.push(error),
            ),
          ),
        );
      }
      // Who comes a moment later finds the service stopping, or nobody.
      const codes = failures.map((failure) => (failure instanceof HoldfastProblem ? failure.code : 'unreachable'));
      expect(codes).toContain('storage-failed');
      expect(codes.filter((code) => !['storage-failed', 'shutting-down', 'unreachable'].includes(code))).toEqual([]);
      expect(await service.ended()).toEqual({ code: DISK_FAILED_EXIT, signal: null });
      expect(injectedTimes(readFileSync(trace, 'utf8'))).toBe(1);

      await service.start();
      await network.relay.start();
      expect(acknowledged.length).toBeGreaterThan(SYNCS_BEFORE / 4);
      for (const id of acknowledged) expect(await notes.get(id)).toBeDefined();
      await notes.put('after', {});
      await expect
        .poll(async () => (await readRelay(network.desk)).size, { timeout: SOON_MS })
        .toBeGreaterThanOrEqual(acknowledged.length + 1);
    },
    LIMIT_MS,
  );

  test(
    'ends the relay with 74, and what nodes send reaches it after the next start',
    async () => {
      await using network = await startNetwork({ nodes: { lucky: ['ada'] } });
      const { relay, desk } = network;
      const notes = network.agent('ada').client.collection('notes');
      await relay.end('SIGTERM');
      const trace = network.home.file('trace');
      await relay.start(straceCommand({ effect: 'EIO', at: SYNCS_BEFORE, forEver: true, calls: ['fsync'] }, trace));
      const ended = relay.ended();
      const ids: string[] = [];
      // Writes made while the node still takes the relay to be away go up as one batch, and make it sync once: so they go on until it ends.
      const isRunningAfterWrite = async () => {
        ids.push(`n-${ids.length}`);
        await notes.put(`n-${ids.length - 1}`, {}, { ack: 'relay', timeout: 2 });
        return relay.isRunning;
      };
      await expect.poll(isRunningAfterWrite, { interval: 10, timeout: SOON_MS }).toBe(false);
      expect(await ended).toEqual({ code: DISK_FAILED_EXIT, signal: null });
      expect(injectedTimes(readFileSync(trace, 'utf8'))).toBeGreaterThan(0);

      await relay.start();
      await expect.poll(async () => (await readRelay(desk)).size, { timeout: SOON_MS }).toBe(ids.length);
    },
    LIMIT_MS,
  );
});
