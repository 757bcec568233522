import { fileURLToPath } from 'node:url';

import { connect, type Holdfast } from '@holdfast/client';
import { type RunningProcess, startProcess } from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type Network, startServices } from '../harness/network.ts';

const LIMIT_MS = 120_000;
const CONTENDERS = 32;
const TURNS = 5;

let network: Network;
let url: string;
let token: string;
let rival: Holdfast;

beforeAll(async () => {
  network = await startServices({ nodes: { office: [] } });
  const { admin, service } = network.node('office');
  ({ token } = await admin.agents.create('billing'));
  url = service.url;
  rival = connect({ url, token });
}, LIMIT_MS);
afterAll(async () => {
  await rival.close();
  await network[Symbol.asyncDispose]();
});

async function holderOf(lock: string): Promise<{ readonly holder: RunningProcess; readonly fence: number }> {
  const args = [fileURLToPath(new URL('lock-holder.ts', import.meta.url)), url, token, lock];
  const holder = await startProcess({ args, ready: /^held / });
  return { holder, fence: Number(holder.readyLine.split(' ')[1]) };
}

describe('a holder', () => {
  test(
    'that is killed frees the lock when its lease ends',
    async () => {
      const { holder, fence } = await holderOf('killed');
      await holder.kill('SIGKILL');
      await using next = await rival.locks.acquire('killed', { waitSeconds: 60 });
      expect(next.fence).toBeGreaterThan(fence);
    },
    LIMIT_MS,
  );

  test(
    'that is paused past its lease and then writes is refused',
    async () => {
      const { holder, fence } = await holderOf('paused');
      await using _killed = holder;
      process.kill(holder.pid, 'SIGSTOP');
      await using next = await rival.locks.acquire('paused', { waitSeconds: 60 });
      expect(next.fence).toBeGreaterThan(fence);
      await rival.kv.put('written-under-the-lock', 'by the next', { ifFence: next.ifFence });
      process.kill(holder.pid, 'SIGCONT');
      await holder.exited;
      expect(holder.lines().at(-1)).toBe('refused fence-stale');
      expect((await rival.kv.get('written-under-the-lock'))?.value).toBe('by the next');
    },
    LIMIT_MS,
  );
});

test(
  'of many who want a lock at once no two ever have it, and their fences only grow',
  async () => {
    const fences: number[] = [];
    let inside = 0;
    let most = 0;
    const contend = async (): Promise<void> => {
      for (let turn = 0; turn < TURNS; turn += 1) {
        await rival.locks.with('contended', { waitSeconds: 60 }, async ({ fence, ifFence }) => {
          inside += 1;
          most = Math.max(most, inside);
          fences.push(fence);
          const before = (await rival.kv.get<number>('turns'))?.value ?? 0;
          await rival.kv.put('turns', before + 1, { ifFence });
          inside -= 1;
        });
      }
    };
    await Promise.all(Array.from({ length: CONTENDERS }, contend));
    expect(most).toBe(1);
    expect((await rival.kv.get('turns'))?.value).toBe(CONTENDERS * TURNS);
    expect(fences).toEqual([...new Set(fences)].toSorted((one, other) => one - other));
    expect(fences).toHaveLength(CONTENDERS * TURNS);
  },
  LIMIT_MS,
);
