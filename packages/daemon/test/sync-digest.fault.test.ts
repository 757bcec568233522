import { digestText, type StoreOperation } from '@holdfast/store';
import { seededRandom, testSeed } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ManualTimers } from './support/manual-timers.ts';
import { ModelRelay, type RelayFault } from './support/model-relay.ts';
import { rangeOf, SyncBench } from './support/sync-bench.ts';

let relay: ModelRelay;
let timers: ManualTimers;

beforeEach(async () => {
  relay = await ModelRelay.start();
  timers = new ManualTimers();
});
afterEach(() => relay[Symbol.asyncDispose]());

describe('a storm of faults', () => {
  const faults: readonly RelayFault[] = [
    { kind: 'reset' },
    { kind: 'lose-answer' },
    { kind: 'half-answer' },
    { kind: 'answer', status: 500 },
    { kind: 'answer', status: 502, isDone: true },
    { kind: 'answer', status: 429, headers: { 'retry-after': '7' } },
  ];
  const paths = ['/relay/batch', '/relay/session', '/relay/immediate', '/relay/streams', '/relay/agents'];

  /** One thing that may happen to a node; `lose` is what the relay may lose behind its back. */
  async function happen(node: SyncBench, random: ReturnType<typeof seededRandom>, lose: () => void): Promise<void> {
    const id = `r${random.integer(0, 30)}`;
    const act = random.integer(0, 9);
    if (act < 4) await node.put(id, { n: random.next() });
    else if (act === 4) relay.fail(random.pick(paths), random.pick(faults), random.integer(1, 3));
    else if (act === 5) {
      void node.engine.waitForRelay('ada', rangeOf(await node.put(id, { n: random.next() })), 1000);
    } else if (act === 6) await node.store().write({ resource: '', operations: [expiring(id)] });
    else if (act === 7) lose();
    else timers.fire();
  }

  function expiring(id: string): StoreOperation {
    return { op: 'put', collection: 'notes', id, document: { value: {}, text: '{}' }, expiresAtMs: Date.now() + 1e6 };
  }

  async function calm(node: SyncBench): Promise<void> {
    relay.forgive();
    const isEqual = (): boolean => {
      timers.fire();
      const isSettled = node.engine.streamState('ada') === 'clean' && node.store().counters.outbox === 0;
      return isSettled && relay.digest('ada') === digestText(node.store().counters.digest);
    };
    await expect.poll(isEqual, { interval: 3, timeout: 30_000 }).toBe(true);
    expect(relay.documents('ada')).toEqual(node.documents());
  }

  test.each(Array.from({ length: 6 }, (_, round) => round))(
    'in which nothing is lost alarms nobody, round %d',
    async (round) => {
      const random = seededRandom(testSeed() + round);
      await using node = await SyncBench.make({ timers, random: () => random.next() });
      node.enrol(relay);
      for (let step = 0; step < 120; step += 1) await happen(node, random, () => undefined);
      await calm(node);
      expect(node.notices).toEqual([]);
      expect(relay.callsOf('/relay/agents')).toEqual([]);
    },
  );

  test.each(Array.from({ length: 6 }, (_, round) => round))(
    'in which the relay loses records is made up for, round %d',
    async (round) => {
      const random = seededRandom(testSeed() + round);
      await using node = await SyncBench.make({ timers, random: () => random.next() });
      node.enrol(relay);
      const lost: string[] = [];
      const lose = (): void => {
        const held = relay.changes('ada').filter(({ expiresAtMs }) => expiresAtMs === null);
        if (held.length === 0) return;
        const { id } = random.pick(held);
        relay.lose('ada', id);
        lost.push(id);
      };
      for (let step = 0; step < 120; step += 1) await happen(node, random, lose);
      await calm(node);
      lose();
      await calm(node);
      expect(lost).not.toEqual([]);
    },
  );
});
