import { type HeldLock, type Holdfast, HoldfastProblem, type LockOptions } from '@holdfast/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { type Network, startNetwork } from '../harness/network.ts';

const LIMIT_MS = 180_000;
const FAR: LockOptions = { scope: 'network' };

let network: Network;
let ada: Holdfast;
let bob: Holdfast;

beforeEach(async () => {
  const nodeFlags = ['--sync-heartbeat-seconds', '1'];
  network = await startNetwork({ nodes: { office: ['ada'], laptop: ['bob'] }, nodeFlags });
  ada = network.agent('ada').client;
  bob = network.agent('bob').client;
}, LIMIT_MS);
afterEach(() => network[Symbol.asyncDispose]());

function codeOf(acting: Promise<unknown>): Promise<unknown> {
  return acting.then(
    () => 'none',
    (error: unknown) => (error instanceof HoldfastProblem ? error.code : error),
  );
}

async function fenceOf(client: Holdfast, name: string): Promise<number> {
  await using lock = await client.locks.acquire(name, { ...FAR, waitSeconds: 60 });
  return lock.fence;
}

describe('a lock of the network', () => {
  test(
    'is held by one agent of all nodes, and goes to the other when it is released or its node is gone',
    async () => {
      const lock = await ada.locks.acquire('billing', { ...FAR, ttlSeconds: 600 });
      expect(await codeOf(bob.locks.acquire('billing', FAR))).toBe('lock-held');
      await expect(bob.locks.get('billing', FAR)).resolves.toMatchObject({
        scope: 'network',
        holder: { agent: 'ada', node: 'office' },
        fence: lock.fence,
      });
      const leaving = new AbortController();
      const gone = codeOf(bob.locks.take('billing', { ...FAR, waitSeconds: 60, signal: leaving.signal }));
      await expect.poll(async () => (await ada.locks.get('billing', FAR))?.waiting).toBe(1);
      leaving.abort(new Error('enough'));
      await expect.poll(async () => (await ada.locks.get('billing', FAR))?.waiting).toBe(0);
      expect(await gone).toMatchObject({ message: 'enough' });
      const waiting = bob.locks.take('billing', { ...FAR, ttlSeconds: 1, waitSeconds: 60 });
      await expect.poll(async () => (await ada.locks.get('billing', FAR))?.waiting).toBe(1);
      await lock.release();
      const next = await waiting;
      expect(next.fence).toBeGreaterThan(lock.fence);
      await network.node('laptop').service.end('SIGKILL');
      expect(await fenceOf(ada, 'billing')).toBeGreaterThan(next.fence);
      // A lock of the node of that name is another lock.
      await expect(ada.locks.acquire('billing')).resolves.toMatchObject({ scope: 'node' });
    },
    LIMIT_MS,
  );

  test(
    'is refused clearly while the relay is away, and is still held when it is back; locks of the node go on',
    async () => {
      const lease = await ada.locks.take('billing', { ...FAR, ttlSeconds: 600 });
      await network.relay.end('SIGKILL');
      await network.untilLink('office', 'waiting');
      const asking = [
        ada.locks.acquire('other', FAR),
        ada.locks.renew(lease.lease),
        ada.locks.release(lease.lease),
        ada.locks.get('billing', FAR),
      ];
      expect(new Set(await Promise.all(asking.map(codeOf)))).toEqual(new Set(['relay-unreachable']));
      await (await ada.locks.acquire('billing')).release();
      await network.relay.start();
      for (const node of ['office', 'laptop']) await network.untilLink(node, 'open');
      expect(await codeOf(bob.locks.take('billing', FAR))).toBe('lock-held');
      await expect(ada.locks.renew(lease.lease)).resolves.toMatchObject({ fence: lease.fence });
    },
    LIMIT_MS,
  );

  test(
    'is lost to its holder, who is told, when the relay cannot be reached in time',
    async () => {
      const lock = await ada.locks.acquire('billing', { ...FAR, ttlSeconds: 2 });
      const lost = new Promise<unknown>((resolve) => {
        lock.signal.addEventListener('abort', () => resolve(lock.signal.reason));
      });
      await network.relay.end('SIGKILL');
      await expect(lost).resolves.toMatchObject({ name: 'LockLost' });
    },
    LIMIT_MS,
  );
});

test(
  'one of many leads, and another when it cannot any more',
  async () => {
    const leading: string[] = [];
    const ended = new AbortController();
    const lead = (name: string, client: Holdfast): Promise<void> =>
      client.locks.lead('leader', { ...FAR, ttlSeconds: 2, signal: ended.signal }, async ({ signal }: HeldLock) => {
        leading.push(name);
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve());
        });
      });
    const both = [lead('ada', ada), lead('bob', bob)];
    await expect.poll(() => leading.length, { timeout: LIMIT_MS / 2 }).toBe(1);
    const [first] = leading;
    await network.node(first === 'ada' ? 'office' : 'laptop').service.end('SIGKILL');
    await expect.poll(() => leading, { timeout: LIMIT_MS / 2 }).toContain(first === 'ada' ? 'bob' : 'ada');
    ended.abort();
    await Promise.all(both);
  },
  LIMIT_MS,
);
