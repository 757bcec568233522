import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { Ack } from '../src/sync/ack.ts';
import { ManualTimers } from './support/manual-timers.ts';
import { ModelRelay } from './support/model-relay.ts';
import { rangeOf, SyncBench } from './support/sync-bench.ts';

const TIMEOUT_MS = 2000;

let relay: ModelRelay;
let timers: ManualTimers;

beforeEach(async () => {
  relay = await ModelRelay.start();
  timers = new ManualTimers();
});
afterEach(() => relay[Symbol.asyncDispose]());

async function online(options: Parameters<typeof SyncBench.make>[0] = {}): Promise<SyncBench> {
  const node = await SyncBench.make({ timers, ...options });
  node.enrol(relay);
  await expect.poll(() => node.engine.link.state, { interval: 1 }).toBe('open');
  return node;
}

/** Writes and waits for the relay, as `?ack=relay` does. */
async function putAndWait(node: SyncBench, ids: readonly string[], timeoutMs: number = TIMEOUT_MS): Promise<Ack> {
  const operations = ids.map((id) => {
    const document = { value: { id }, text: JSON.stringify({ id }) };
    return { op: 'put', collection: 'notes', id, document, expiresAtMs: null } as const;
  });
  const results = await node.store().write({ resource: '', operations });
  return node.engine.waitForRelay('ada', rangeOf(...results), timeoutMs);
}

/** Keeps the stream busy with a batch that the relay does not answer until told. */
async function busy(node: SyncBench): Promise<() => void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  relay.fail('/relay/batch', { kind: 'slow', until: promise }, 1);
  const before = relay.callsOf('/relay/batch').length;
  await node.putMany(5);
  await expect.poll(() => relay.callsOf('/relay/batch').length, { interval: 1 }).toBe(before + 1);
  return resolve;
}

describe('a write that waits for the relay', () => {
  test('is answered once the relay has it', async () => {
    await using node = await online();
    expect(await putAndWait(node, ['one'])).toBe('relay');
    expect(relay.documents('ada')).toEqual({ 'notes/one': '{"id":"one"}' });
    expect(timers.armed).not.toContain(TIMEOUT_MS);
  });

  test('does not wait for company', async () => {
    const patient = new ManualTimers(0);
    await using node = await online({ timers: patient, config: { 'sync.lingerMilliseconds': 5 } });
    expect(await putAndWait(node, ['one'])).toBe('relay');
  });

  test('takes the fast lane past a long batch, and the batch lane covers it again', async () => {
    await using node = await online();
    const release = await busy(node);
    expect(await putAndWait(node, ['urgent'])).toBe('relay');
    expect(relay.documents('ada')).toEqual({ 'notes/urgent': '{"id":"urgent"}' });
    expect(relay.callsOf('/relay/immediate')).toHaveLength(1);
    expect(relay.cursor('ada').seq).toBe(0);
    release();
    await expect.poll(() => node.store().counters.outbox).toBe(0);
    expect(relay.documents('ada')).toEqual(node.documents());
  });

  test('of many operations is not answered for the last of them alone', async () => {
    await using node = await online();
    const release = await busy(node);
    const answer = putAndWait(node, ['a', 'b', 'c']);
    await expect.poll(() => timers.armed).toContain(TIMEOUT_MS);
    expect(relay.callsOf('/relay/immediate')).toHaveLength(0);
    release();
    expect(await answer).toBe('relay');
    expect(Object.keys(relay.documents('ada'))).toEqual(expect.arrayContaining(['notes/a', 'notes/b', 'notes/c']));
  });

  test('is told "local" when it was written over and the relay rejects what stands in its place', async () => {
    await using node = await online();
    relay.refusal = ({ doc }) => {
      const isBad = (doc as { bad?: boolean }).bad === true;
      return isBad ? { code: 'invalid-request', reason: 'of a test' } : undefined;
    };
    const release = await busy(node);
    const answer = putAndWait(node, ['a', 'b']);
    await expect.poll(() => timers.armed).toContain(TIMEOUT_MS);
    const document = { value: { bad: true }, text: '{"bad":true}' };
    const over = { op: 'put', collection: 'notes', id: 'a', document, expiresAtMs: null } as const;
    await node.store().write({ resource: '', operations: [over] });
    release();
    expect(await answer).toBe('local');
    expect(Object.keys(relay.documents('ada'))).not.toContain('notes/a');
  });

  test('is told "local" when time is up, and arrives all the same', async () => {
    await using node = await online();
    relay.fail('/relay/batch', { kind: 'hang' }, 1);
    const answer = putAndWait(node, ['late'], 30_000);
    await relay.until(() => relay.callsOf('/relay/batch').length === 1);
    expect(timers.fire((delayMs) => delayMs === 30_000)).toBe(1);
    expect(await answer).toBe('local');
  });

  test('is told "local" at once while the relay is away or there is none', async () => {
    await using alone = await SyncBench.make({ timers });
    expect(await putAndWait(alone, ['one'])).toBe('local');
    await using node = await SyncBench.make({ timers });
    relay.fail('/relay/session', { kind: 'reset' });
    node.enrol(relay);
    await expect.poll(() => node.engine.link.state).toBe('waiting');
    expect(await putAndWait(node, ['one'])).toBe('local');
  });

  test('waits for the link while it opens for the first time', async () => {
    await using node = await SyncBench.make({ timers });
    let release: () => void = () => undefined;
    relay.fail('/relay/session', { kind: 'slow', until: new Promise<void>((resolve) => (release = resolve)) }, 1);
    node.enrol(relay);
    const answer = putAndWait(node, ['early']);
    await expect.poll(() => timers.armed).toContain(TIMEOUT_MS);
    expect(node.engine.link.state).toBe('opening');
    release();
    expect(await answer).toBe('relay');
  });

  test('is told "local" at once when the relay rejects it, whichever lane it took', async () => {
    await using node = await online();
    relay.refusal = ({ id }) => (id === 'bad' ? { code: 'poison', reason: 'no' } : undefined);
    expect(await putAndWait(node, ['bad'])).toBe('local');
    expect(await putAndWait(node, ['good', 'bad', 'fine'])).toBe('local');
    const release = await busy(node);
    expect(await putAndWait(node, ['bad'])).toBe('local');
    expect(relay.callsOf('/relay/immediate')).toHaveLength(1);
    expect(timers.armed).not.toContain(TIMEOUT_MS);
    release();
    await expect.poll(() => node.store().counters.outbox).toBe(0);
    expect(
      node
        .store()
        .outbox.deadLetters()
        .map(({ record }) => record),
    ).toEqual(['bad', 'bad', 'bad']);
  });

  test('is told "local" when the relay rejected it in an answer that was lost', async () => {
    await using node = await online();
    relay.refusal = ({ id }) => (id === 'bad' ? { code: 'poison', reason: 'no' } : undefined);
    relay.fail('/relay/batch', { kind: 'lose-answer' }, 1);
    const answer = putAndWait(node, ['bad'], 30_000);
    await expect.poll(() => timers.fire((delayMs) => delayMs < TIMEOUT_MS), { interval: 1 }).toBe(1);
    expect(await answer).toBe('local');
    relay.heal();
  });

  test('goes on waiting for the batch lane when the fast lane fails', async () => {
    await using node = await online();
    const release = await busy(node);
    relay.fail('/relay/immediate', { kind: 'answer', status: 503 }, 1);
    const answer = putAndWait(node, ['one']);
    await relay.until(() => relay.callsOf('/relay/immediate').length === 1);
    release();
    expect(await answer).toBe('relay');
    relay.heal();
  });

  test('is told "relay" at once when it is a repetition of one the relay has, and "local" of one it rejected', async () => {
    await using node = await online();
    relay.refusal = ({ id }) => (id === 'bad' ? { code: 'poison', reason: 'no' } : undefined);
    const good = await node.put('good');
    const bad = await node.put('bad');
    await expect.poll(() => node.store().counters.outbox).toBe(0);
    const calls = relay.calls.length;
    expect(await node.engine.waitForRelay('ada', rangeOf(good), TIMEOUT_MS)).toBe('relay');
    const rejected = node.engine.waitForRelay('ada', rangeOf(bad), TIMEOUT_MS);
    timers.fire((delayMs) => delayMs === TIMEOUT_MS);
    expect(await rejected).toBe('local');
    expect(relay.calls).toHaveLength(calls);
  });

  test('is not told "relay" because its old seq lies below what the relay has after a pull', async () => {
    await using node = await online();
    await node.put('one');
    await expect.poll(() => node.store().counters.outbox).toBe(0);
    const release = await busy(node);
    const answer = putAndWait(node, ['x', 'y']);
    await expect.poll(() => timers.armed).toContain(TIMEOUT_MS);
    relay.runAhead('ada', 100);
    relay.fail('/relay/streams', { kind: 'slow', until: Promise.resolve() }, 1);
    release();
    expect(await answer).toBe('local');
    await expect.poll(() => node.store().counters.outbox).toBe(0);
    expect(relay.documents('ada')).toEqual(node.documents());
    relay.heal();
  });
});
