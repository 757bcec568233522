import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { connect, type Holdfast } from '@holdfast/client';
import { eventually } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { CallNetwork, type CallNode } from '../other-node/call-network.ts';

const LIMIT_MS = 120_000;

let network: CallNetwork;
let nodes: readonly CallNode[];
let ada: Holdfast;
let bob: Holdfast;
let directory: string;
let backup: string;

beforeEach(async () => {
  network = await CallNetwork.start();
  nodes = [await network.node('office'), await network.node('laptop')];
  [ada, bob] = (await Promise.all(nodes.map(agentOf))) as [Holdfast, Holdfast];
  directory = network.home.file('relay');
  backup = network.home.file('relay-backup');
}, LIMIT_MS);
afterEach(async () => {
  await Promise.all([ada.close(), bob.close()]);
  await network[Symbol.asyncDispose]();
});

async function agentOf({ admin, url, name }: CallNode): Promise<Holdfast> {
  const { token } = await admin.agents.create(`agent-of-${name}`);
  return connect({ url, token });
}

/** Does something to the relay's directory while it is stopped; resolves once both nodes are in contact again. */
async function whileStopped(change: () => void): Promise<void> {
  await network.stopRelay();
  for (const node of nodes) {
    await eventually(async () => expect(await node.takesCalls()).toBe(false), { limitMs: LIMIT_MS / 2 });
  }
  change();
  await network.startRelay();
  for (const node of nodes) await node.untilCallable();
}

/** The fences of a lock that one agent after the other holds. */
async function fences(): Promise<number[]> {
  const given: number[] = [];
  for (const client of [bob, ada, bob]) {
    await using lock = await client.locks.acquire('billing', { scope: 'network', waitSeconds: 60 });
    given.push(lock.fence);
  }
  return given;
}

const putBack = (name: string): void => cpSync(join(backup, name), join(directory, name));

describe('fences of the network go on', () => {
  test.each<[string, () => void]>([
    ['the relay was stopped and started', () => undefined],
    ['its database was put back', () => putBack('relay.db')],
    ['all it has was put back', () => cpSync(backup, directory, { recursive: true })],
    [
      'its database was put back and what stands beside it is gone',
      () => {
        putBack('relay.db');
        rmSync(join(directory, 'relay.fence'));
      },
    ],
  ])(
    'after %s',
    async (_what, change) => {
      const given = await fences();
      await whileStopped(() => cpSync(directory, backup, { recursive: true }));
      given.push(...(await fences()), ...(await fences()));
      await whileStopped(change);
      given.push(...(await fences()));
      expect(given).toEqual([...new Set(given)].toSorted((one, other) => one - other));
    },
    LIMIT_MS,
  );

  test(
    'above what only another node has seen, before any lock is asked for',
    async () => {
      await fences();
      await whileStopped(() => cpSync(directory, backup, { recursive: true }));
      await using before = await ada.locks.acquire('billing', { scope: 'network', waitSeconds: 60 });
      await before.release();
      await whileStopped(() => cpSync(backup, directory, { recursive: true }));
      await using after = await bob.locks.acquire('other', { scope: 'network', waitSeconds: 60 });
      expect(after.fence).toBeGreaterThan(before.fence);
    },
    LIMIT_MS,
  );
});
