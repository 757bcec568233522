import { chmodSync, cpSync, rmSync } from 'node:fs';

import type { Holdfast } from '@holdfast/client';
import { eventually } from '@holdfast/testkit';
import assert from 'node:assert/strict';
import { expect, test } from 'vitest';

import { startNetwork } from '../harness/network.ts';

const LIMIT_MS = 120_000;

async function arrived(client: Holdfast, wanted: string, value: unknown): Promise<void> {
  for await (const change of client.context.watch<unknown>(wanted)) {
    if (change.key === wanted && change.value === value) return;
  }
}

test(
  'what the relay lost of what nodes share comes back from them, also of a node that is gone',
  async () => {
    await using network = await startNetwork({ nodes: { laptop: ['ada'], workstation: ['ben'] } });
    const [ada, ben] = [network.agent('ada').client, network.agent('ben').client];
    await ada.context.put('before', 1);
    await arrived(ben, 'before', 1);
    await network.relay.end('SIGTERM');
    const copy = network.home.file('older-relay');
    cpSync(network.relay.directory, copy, { recursive: true });
    await network.relay.start();
    await ada.context.put('of ada', 2);
    await arrived(ben, 'of ada', 2);
    await network.node('laptop').service.end('SIGKILL');
    await network.relay.end('SIGKILL');
    rmSync(network.relay.directory, { recursive: true });
    cpSync(copy, network.relay.directory, { recursive: true });
    // As whoever restores a database from a copy does: the file beside it is of another time.
    rmSync(`${network.relay.directory}/relay.epoch`);
    chmodSync(network.relay.directory, 0o700);
    await network.relay.start();
    const held = async (): Promise<unknown[]> => {
      const { records } = await network.desk.query({ collection: 'context' });
      return records.map(({ id, doc }) => [id, doc]);
    };
    await eventually(
      async () => {
        assert.deepEqual(await held(), [
          ['before', 1],
          ['of ada', 2],
        ]);
      },
      { limitMs: 60_000 },
    );
    expect(await ben.context.get('of ada')).toMatchObject({ value: 2 });
  },
  LIMIT_MS,
);
