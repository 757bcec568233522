import assert from 'node:assert/strict';

import type { Holdfast } from '@holdfast/client';
import type { ClaimedTask } from '@holdfast/protocol';
import { eventually } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { startNetwork } from '../harness/network.ts';

const LIMIT_MS = 120_000;
const PLAN = { nodes: { office: ['commander'], laptop: ['screening'] } } as const;
const WAIT = { from: 'commander@office', waitSeconds: 25 };

/** Claims until there is a task. */
async function claimed({ tasks }: Holdfast): Promise<ClaimedTask> {
  for (;;) {
    const task = await tasks.claim(WAIT);
    if (task !== undefined) return task;
  }
}

async function untilStatus(commander: Holdfast, id: string, status: string): Promise<void> {
  const task = async (): Promise<unknown> => (await commander.collection('tasks').get(id))?.doc.status;
  await eventually(async () => assert.equal(await task(), status), { limitMs: 60_000 });
}

test(
  'a claim that waits on another node is woken by the task that is put, and by those alone that it may claim',
  async () => {
    await using network = await startNetwork(PLAN);
    const [commander, screening] = [network.agent('commander').client, network.agent('screening').client];
    for (let round = 0; round < 5; round += 1) {
      const waiting = claimed(screening);
      await commander.tasks.add({ type: 'screen', workers: ['others@laptop'] });
      const { id } = await commander.tasks.add({ type: 'screen', workers: ['screening@laptop'] });
      const task = await waiting;
      expect(task).toMatchObject({ id, from: 'commander@office' });
      await screening.tasks.complete(task);
    }
  },
  LIMIT_MS,
);

test(
  'a claim that waits goes on while the relay is away, and says so if it stays away',
  async () => {
    await using network = await startNetwork(PLAN);
    const [commander, screening] = [network.agent('commander').client, network.agent('screening').client];
    await network.relay.end('SIGKILL');
    await network.untilLink('laptop', 'waiting');
    await expect(screening.tasks.claim({ ...WAIT, waitSeconds: 0.5 })).rejects.toMatchObject({
      code: 'relay-unreachable',
    });
    const waiting = screening.tasks.claim(WAIT);
    const { id } = await commander.tasks.add({ type: 'screen', workers: ['screening@laptop'] });
    await network.relay.start();
    expect(await waiting).toMatchObject({ id });
  },
  LIMIT_MS,
);

test(
  'what a worker did while the relay was away is told when it is back, and the task is done once',
  async () => {
    await using network = await startNetwork(PLAN);
    const [commander, screening] = [network.agent('commander').client, network.agent('screening').client];
    const { id } = await commander.tasks.add({ type: 'screen', workers: ['screening@laptop'] });
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: cut, resolve: goOn } = Promise.withResolvers<void>();
    const ended = new AbortController();
    let tries = 0;
    const working = screening.tasks.work(
      async () => {
        tries += 1;
        begin();
        await cut;
        return { score: 1 };
      },
      { from: 'commander@office', leaseSeconds: 300, signal: ended.signal },
    );
    await begun;
    await network.relay.end('SIGKILL');
    await network.untilLink('laptop', 'waiting');
    goOn();
    await network.relay.start();
    await untilStatus(commander, id, 'completed');
    ended.abort();
    await working;
    expect(tries).toBe(1);
    expect((await commander.collection('tasks').get(id))?.doc).toMatchObject({ result: { score: 1 }, retries: 0 });
  },
  LIMIT_MS,
);

test(
  'work that is ended while it waits takes no task along',
  async () => {
    await using network = await startNetwork(PLAN);
    const [commander, screening] = [network.agent('commander').client, network.agent('screening').client];
    const ended = new AbortController();
    const working = screening.tasks.work(async () => undefined, { from: 'commander@office', signal: ended.signal });
    await eventually(
      async () => assert.equal((await network.node('laptop').admin.node.status()).mail.state, 'following'),
      { limitMs: 60_000 },
    );
    ended.abort();
    await working;
    const { id } = await commander.tasks.add({ type: 'screen', workers: ['screening@laptop'] });
    expect((await commander.collection('tasks').get(id))?.doc.status).toBe('pending');
    expect(await claimed(screening)).toMatchObject({ id, retries: 0 });
  },
  LIMIT_MS,
);
