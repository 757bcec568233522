import { cpSync, rmSync } from 'node:fs';

import { temporaryDirectory } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ManualTimers } from './support/manual-timers.ts';
import { ModelRelay } from './support/model-relay.ts';
import { SyncBench } from './support/sync-bench.ts';

let relay: ModelRelay;

beforeEach(async () => {
  relay = await ModelRelay.start();
});
afterEach(() => relay[Symbol.asyncDispose]());

/** Expects the relay to hold everything an agent has, byte for byte, and the agent to know. */
async function expectDrained(node: SyncBench, agent = 'ada'): Promise<void> {
  await expect.poll(() => node.engine.streamState(agent), { interval: 2, timeout: 10_000 }).toBe('clean');
  expect(node.store(agent).counters.outbox).toBe(0);
  expect(relay.documents(agent)).toEqual(node.documents(agent));
}

describe('a node on-line', () => {
  test('sends what was written before and after it joined, byte for byte', async () => {
    await using node = await SyncBench.make();
    await node.put('before', { text: 'ключ 🔑', n: 1.5, list: [null, true] });
    node.enrol(relay);
    await expectDrained(node);
    await node.put('after', {});
    await expectDrained(node);
    expect(Object.keys(relay.documents('ada')).toSorted()).toEqual(['notes/after', 'notes/before']);
    const [first, second] = relay.callsOf('/relay/batch');
    expect(first?.headers['holdfast-protocol']).toBe('3');
    expect(first?.headers.authorization).toBe('Bearer node-credential');
    expect(second?.body).toMatchObject({ boot: node.boot, base: first?.body.upto as unknown, count: 1 });
  });

  test('sends a record that changed often once, and its deletion as a change', async () => {
    await using node = await SyncBench.make();
    for (let n = 0; n < 5; n += 1) await node.put('busy', { n });
    node.enrol(relay);
    await expectDrained(node);
    expect(relay.callsOf('/relay/batch').flatMap(({ changes }) => changes)).toHaveLength(1);
    await node.store().write({ resource: '', operations: [{ op: 'delete', collection: 'notes', id: 'busy' }] });
    await expectDrained(node);
    expect(relay.changes('ada')).toMatchObject([{ id: 'busy', deleted: true, doc: null }]);
  });

  test('cuts a backlog into batches of at most 1,000 changes, one at a time, each from where the last ended', async () => {
    await using node = await SyncBench.make();
    await node.putMany(2500);
    node.enrol(relay);
    await expectDrained(node);
    const batches = relay.callsOf('/relay/batch');
    expect(batches.map(({ changes }) => changes.length)).toEqual([1000, 1000, 500]);
    expect(batches.slice(1).map(({ body }) => body.base as unknown)).toEqual(
      batches.slice(0, -1).map(({ body }) => body.upto as unknown),
    );
    expect(batches[0]?.headers['content-encoding']).toBe('zstd');
    expect(relay.mostAtOnce).toBe(1);
    expect(node.taken).toEqual({ changes: 2500, rejects: 0 });
  });

  test('cuts by bytes too: no batch is over 4 MiB unless one record is', async () => {
    await using node = await SyncBench.make();
    for (let n = 0; n < 9; n += 1) await node.put(`large-${n}`, { text: 'x'.repeat(1_000_000) });
    node.enrol(relay);
    await expectDrained(node);
    expect(relay.callsOf('/relay/batch').map(({ changes }) => changes.length)).toEqual([4, 4, 1]);
  });

  test('sends while it is written to: nothing is missed between two batches', async () => {
    await using node = await SyncBench.make();
    node.enrol(relay);
    for (let n = 0; n < 300; n += 1) {
      await node.put(`n${n % 40}`, { n });
      if (n % 50 === 0) await expectDrained(node);
    }
    await expectDrained(node);
    expect(Object.keys(relay.documents('ada'))).toHaveLength(40);
  });

  test('sends many agents side by side, but never more than it may, and each one its own', async () => {
    const agents = Array.from({ length: 12 }, (_, index) => `agent-${index}`);
    await using node = await SyncBench.make({ agents, config: { 'sync.concurrency': 3 } });
    for (const agent of agents) await node.putMany(20, agent, { owner: agent });
    let release: () => void = () => undefined;
    relay.fail('/relay/batch', { kind: 'slow', until: new Promise<void>((resolve) => (release = resolve)) });
    node.enrol(relay);
    await expect.poll(() => relay.callsOf('/relay/batch').length, { interval: 2 }).toBe(3);
    release();
    for (const agent of agents) {
      await expectDrained(node, agent);
      expect(new Set(Object.values(relay.documents(agent)))).toEqual(new Set([JSON.stringify({ owner: agent })]));
    }
    expect(relay.mostStreams).toBe(3);
    expect(relay.mostAtOnce).toBe(1);
  });

  test('serves its streams in turn: a long one does not keep short ones waiting', async () => {
    await using node = await SyncBench.make({ agents: ['long', 'short'], config: { 'sync.concurrency': 1 } });
    await node.putMany(5000, 'long');
    await node.putMany(5, 'short');
    node.enrol(relay);
    await expectDrained(node, 'long');
    const order = relay.callsOf('/relay/batch').map(({ body }) => body.agent as string);
    expect(order.indexOf('short')).toBeLessThanOrEqual(1);
    await expectDrained(node, 'short');
  });

  test('syncs an agent that was made after the link opened', async () => {
    await using node = await SyncBench.make();
    node.enrol(relay);
    await relay.until(() => relay.callsOf('/relay/session').length === 1);
    await expect.poll(() => node.engine.link.state).toBe('open');
    node.agents.push('late');
    await node.put('one', {}, 'late');
    await expectDrained(node, 'late');
  });

  test('tells the relay which starts it goes on from', async () => {
    await using node = await SyncBench.make({ predecessors: ['b'.repeat(32)] });
    node.enrol(relay);
    await relay.until(() => relay.callsOf('/relay/session').length === 1);
    expect(relay.callsOf('/relay/session')[0]?.body).toEqual({ boot: node.boot, predecessors: ['b'.repeat(32)] });
  });

  test('renews its session by heartbeat, and only then', async () => {
    const timers = new ManualTimers();
    await using node = await SyncBench.make({ timers, config: { 'sync.heartbeatSeconds': 7 } });
    node.enrol(relay);
    for (let beats = 1; beats <= 3; beats += 1) {
      await expect.poll(() => timers.armed).toEqual([7000]);
      expect(relay.callsOf('/relay/session')).toHaveLength(beats);
      timers.fire();
      await relay.until(() => relay.callsOf('/relay/session').length === beats + 1);
    }
    expect(relay.callsOf('/relay/batch')).toHaveLength(0);
  });

  test('goes on when its clock is set ten years back, over a loss of the link', async () => {
    const timers = new ManualTimers();
    const clock = { ms: Date.now() };
    await using node = await SyncBench.make({ timers, now: () => clock.ms });
    node.enrol(relay);
    await node.put('one');
    await expectDrained(node);
    clock.ms -= 10 * 365 * 86_400_000;
    relay.fail('/relay/batch', { kind: 'reset' }, 1);
    await node.put('two');
    await expect.poll(() => node.engine.link.state, { interval: 2 }).toBe('waiting');
    relay.heal();
    await expect.poll(() => timers.fire(), { interval: 2 }).toBe(1);
    await expectDrained(node);
    const [one, two] = relay.changes('ada');
    expect((two?.version ?? '') > (one?.version ?? '')).toBe(true);
  });

  test('stops at once, also while the relay keeps it waiting', async () => {
    const node = await SyncBench.make();
    await node.put('one');
    relay.fail('/relay/batch', { kind: 'hang' });
    node.enrol(relay);
    await relay.until(() => relay.callsOf('/relay/batch').length === 1);
    await node[Symbol.asyncDispose]();

    const other = await SyncBench.make();
    relay.heal();
    relay.fail('/relay/session', { kind: 'hang' });
    other.enrol(relay);
    await relay.until(() => relay.callsOf('/relay/session').length === 2);
    await other[Symbol.asyncDispose]();
    expect([node, other].map(({ engine }) => engine.link.state)).toEqual(['off', 'off']);
  });
});

describe('reconciling', () => {
  test('an answer lost after the relay’s commit is made up for without sending anything twice', async () => {
    const timers = new ManualTimers();
    await using node = await SyncBench.make({ timers });
    await node.putMany(10);
    relay.fail('/relay/batch', { kind: 'lose-answer' }, 1);
    node.enrol(relay);
    await expect.poll(() => timers.fire((delayMs) => delayMs < 15_000), { interval: 2 }).toBe(1);
    relay.heal();
    await expectDrained(node);
    expect(relay.callsOf('/relay/batch')).toHaveLength(1);
    expect(relay.callsOf('/relay/streams')).toHaveLength(0);
    expect(node.taken.changes).toBe(10);
  });

  test('so is one that only the 409 to the next try shows', async () => {
    const timers = new ManualTimers();
    await using node = await SyncBench.make({ timers, random: () => 0.5 });
    await node.putMany(3);
    relay.fail('/relay/batch', { kind: 'answer', status: 502, isDone: true }, 1);
    node.enrol(relay);
    await expect.poll(() => timers.fire((delayMs) => delayMs === 125), { interval: 2 }).toBe(1);
    relay.heal();
    await expectDrained(node);
    expect(relay.callsOf('/relay/batch')).toHaveLength(2);
    expect(relay.callsOf('/relay/streams')).toHaveLength(0);
    expect(node.taken.changes).toBe(3);
  });

  test('so it is when more was written before the next try', async () => {
    const timers = new ManualTimers();
    await using node = await SyncBench.make({ timers, random: () => 0.5 });
    await node.putMany(3);
    relay.fail('/relay/batch', { kind: 'answer', status: 502, isDone: true }, 1);
    node.enrol(relay);
    await expect.poll(() => timers.armed, { interval: 2 }).toContain(125);
    await node.put('n1', { again: true });
    await node.put('more');
    timers.fire((delayMs) => delayMs === 125);
    relay.heal();
    await expectDrained(node);
    expect(Object.keys(relay.documents('ada'))).toHaveLength(4);
  });

  test('a relay put back to an old backup gets everything again, without any new write', async () => {
    const timers = new ManualTimers();
    await using node = await SyncBench.make({ timers });
    await node.putMany(5);
    node.enrol(relay);
    await expectDrained(node);
    const putBack = relay.backup();
    for (let n = 0; n < 5; n += 1) await node.put(`later-${n}`);
    await expectDrained(node);
    putBack();
    expect(Object.keys(relay.documents('ada'))).toHaveLength(5);
    timers.fire();
    await relay.until(() => Object.keys(relay.documents('ada')).length === 10);
    await expectDrained(node);
  });

  test('a relay with nothing at all gets everything again', async () => {
    const timers = new ManualTimers();
    const putBack = relay.backup();
    await using node = await SyncBench.make({ timers });
    await node.putMany(1500);
    node.enrol(relay);
    await expectDrained(node);
    putBack();
    timers.fire();
    await relay.until(() => Object.keys(relay.documents('ada')).length === 1500);
    await expectDrained(node);
    expect(node.store().outbox.deadLetters()).toEqual([]);
  });

  test('a node put back to an old copy pulls what it forgot, page by page, and keeps what it wrote since', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('agents');
    const copy = place.file('copy');
    const life = async (predecessors: string[], live: (node: SyncBench) => Promise<void>): Promise<string[]> => {
      const node = await SyncBench.make({ directory, predecessors });
      await live(node);
      await node.stop();
      return [node.boot];
    };
    const boots = await life([], async (node) => {
      await node.putMany(20);
      node.enrol(relay);
      await expectDrained(node);
    });
    cpSync(directory, copy, { recursive: true });
    const later = await life(boots, async (node) => {
      node.enrol(relay);
      for (let n = 0; n < 25; n += 1) await node.put(`forgotten-${n}`, { n });
      await node.put('n0', { changed: 'on the relay' });
      await expectDrained(node);
    });
    rmSync(directory, { recursive: true });
    cpSync(copy, directory, { recursive: true });
    relay.pageChanges = 7;
    await life(later, async (node) => {
      for (let n = 0; n < 5; n += 1) await node.put(`since-${n}`, { n });
      await node.put('n1', { changed: 'here' });
      node.enrol(relay);
      await expectDrained(node);
      const documents = node.documents();
      expect(Object.keys(documents)).toHaveLength(20 + 25 + 5);
      expect(documents).toMatchObject({
        'notes/n0': '{"changed":"on the relay"}',
        'notes/n1': '{"changed":"here"}',
        'notes/forgotten-24': '{"n":24}',
        'notes/since-4': '{"n":4}',
      });
      expect(relay.callsOf('/relay/streams').length).toBeGreaterThan(3);
    });
  });

  test('another change of the relay under our very cursor: everything is pulled and everything is sent', async () => {
    const timers = new ManualTimers();
    await using node = await SyncBench.make({ timers });
    await node.putMany(3);
    node.enrol(relay);
    await expectDrained(node);
    relay.disagree('ada');
    timers.fire();
    await relay.next('/relay/batch');
    await expectDrained(node);
    timers.fire();
    await relay.next('/relay/session');
    await expectDrained(node);
    expect(relay.callsOf('/relay/batch').length).toBeLessThan(5);
  });

  test('ends well after a pull that broke in the middle', async () => {
    const timers = new ManualTimers();
    await using node = await SyncBench.make({ timers });
    await node.putMany(20);
    node.enrol(relay);
    await expectDrained(node);
    relay.disagree('ada');
    relay.pageChanges = 4;
    relay.fail('/relay/streams', { kind: 'half-answer' }, 1);
    timers.fire();
    await expect.poll(() => node.engine.link.state, { interval: 2 }).toBe('waiting');
    relay.heal();
    await expect.poll(() => timers.fire(), { interval: 2 }).toBe(1);
    await expectDrained(node);
  });
});
