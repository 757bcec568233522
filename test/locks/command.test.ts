import assert from 'node:assert/strict';

import type { Lease, LockStanding } from '@holdfast/client';
import { eventually } from '@holdfast/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { askHoldfast, runHoldfast } from '../harness/command.ts';
import { type Network, startServices } from '../harness/network.ts';

const LIMIT_MS = 120_000;

let network: Network;
let place: readonly string[];

beforeAll(async () => {
  network = await startServices({ nodes: { office: [] } });
  await network.addAgent('office', 'billing');
  place = [...network.node('office').service.place, '--agent', 'billing'];
}, LIMIT_MS);
afterAll(() => network[Symbol.asyncDispose]());

const ask = <Answer>(...args: readonly string[]): Promise<Answer> => askHoldfast(network.home, [...args, ...place]);

test(
  'a lock is acquired, listed, renewed and released, and fences what is put',
  async () => {
    const lease = await ask<Lease>('lock', 'acquire', 'books', '--ttl', '600');
    const { locks } = await ask<{ locks: LockStanding[] }>('lock', 'list');
    expect(locks).toMatchObject([{ name: 'books', holder: { agent: 'billing' }, fence: lease.fence }]);
    const held = await runHoldfast(network.home, ['lock', 'acquire', 'books', ...place]);
    expect(held).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('Somebody else holds the lock') as unknown,
    });
    await expect(ask('lock', 'renew', lease.lease, '--ttl', '300')).resolves.toMatchObject({ ttl_seconds: 300 });
    await ask('put', 'notes', 'n', '{}', '--fence', lease.if_fence);
    await ask('lock', 'release', lease.lease);
    const next = await ask<Lease>('lock', 'acquire', 'books');
    await ask('put', 'notes', 'n', '{}', '--fence', next.if_fence);
    for (const command of [
      ['put', 'notes', 'n', '{}'],
      ['delete', 'notes', 'n'],
    ]) {
      const stale = await runHoldfast(network.home, [...command, '--fence', lease.if_fence, ...place]);
      expect(stale).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('has ended') as unknown });
    }
    await ask('lock', 'release', next.lease);
    const { stdout } = await runHoldfast(network.home, ['lock', 'list', ...place]);
    expect(stdout).toBe('no locks are held\n');
  },
  LIMIT_MS,
);

test(
  'a command runs under a lock with its fence, and its end is the end',
  async () => {
    const run = (...line: string[]) => runHoldfast(network.home, ['lock', 'run', 'books', ...place, '--', ...line]);
    const shown = await run('/bin/sh', '-c', 'echo "$HOLDFAST_FENCE"; exit 7');
    expect(shown).toMatchObject({ exitCode: 7, stdout: expect.stringMatching(/^books=\d+\n$/) as unknown });
    expect(await run('/bin/sh', '-c', 'kill -9 $$')).toMatchObject({ exitCode: 137 });
    expect(await run('/no/such/program')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('ENOENT') as unknown,
    });
    await expect(ask('lock', 'list')).resolves.toEqual({ locks: [] });
  },
  LIMIT_MS,
);

test(
  'a command whose lock is lost is ended',
  async () => {
    const running = runHoldfast(network.home, ['lock', 'run', 'lost', '--ttl', '5', ...place, '--', 'sleep', '600']);
    const isHeld = async (): Promise<void> => {
      const { locks } = await ask<{ locks: LockStanding[] }>('lock', 'list');
      assert.equal(locks.length, 1);
    };
    await eventually(isHeld, { limitMs: LIMIT_MS / 2 });
    // Nobody renews any more: as far as is known there the lock is lost when its time is over.
    await network.node('office').service.end('SIGKILL');
    expect(await running).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('was lost') as unknown });
    await network.node('office').service.start();
  },
  LIMIT_MS,
);
