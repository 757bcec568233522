import { Writable } from 'node:stream';

import { freePort, seededRandom, testSeed } from '@holdfast/testkit';
import { type Logger, pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ManualTimers } from './support/manual-timers.ts';
import { ModelRelay, type RelayFault } from './support/model-relay.ts';
import { SyncBench } from './support/sync-bench.ts';

const HEARTBEAT_MS = 15_000;
const isRetry = (delayMs: number): boolean => delayMs !== HEARTBEAT_MS;

let relay: ModelRelay;
let timers: ManualTimers;

beforeEach(async () => {
  relay = await ModelRelay.start();
  timers = new ManualTimers();
});
afterEach(() => relay[Symbol.asyncDispose]());

/** Lets the next try happen as soon as one is armed. */
async function tryAgain(): Promise<void> {
  await expect.poll(() => timers.fire(isRetry), { interval: 1, timeout: 10_000 }).toBeGreaterThan(0);
}

/** Makes time pass until the relay holds everything the agent has, byte for byte, and the agent knows. */
async function expectDrained(node: SyncBench, agent = 'ada'): Promise<void> {
  const settled = (): boolean => {
    timers.fire(isRetry);
    return node.engine.streamState(agent) === 'clean' && node.store(agent).counters.outbox === 0;
  };
  await expect.poll(settled, { interval: 1, timeout: 15_000 }).toBe(true);
  expect(relay.documents(agent)).toEqual(node.documents(agent));
}

interface LogEntry {
  readonly level: number;
  readonly msg: string;
}

function recorder(): { readonly log: Logger; readonly entries: LogEntry[] } {
  const entries: LogEntry[] = [];
  const sink = new Writable({
    write: (line: Buffer, _encoding, done) => {
      entries.push(JSON.parse(line.toString()) as LogEntry);
      done();
    },
  });
  return { log: pino({ level: 'info' }, sink), entries };
}

const faults: readonly (readonly [what: string, fault: RelayFault])[] = [
  ['resets the connection', { kind: 'reset' }],
  ['breaks off after its commit', { kind: 'lose-answer' }],
  ['sends half an answer', { kind: 'half-answer' }],
  ['answers 500', { kind: 'answer', status: 500, body: { code: 'internal' } }],
  ['answers 502 with a page', { kind: 'answer', status: 502, body: '<html>Bad Gateway</html>' }],
  ['answers 502 after its commit', { kind: 'answer', status: 502, isDone: true }],
  ['answers 429', { kind: 'answer', status: 429, headers: { 'retry-after': '7' } }],
  ['answers 503', { kind: 'answer', status: 503, headers: { 'retry-after': '7' } }],
  ['answers 507', { kind: 'answer', status: 507 }],
  ['answers 422', { kind: 'answer', status: 422, body: { code: 'invalid-request' } }],
  ['answers 409 without a cursor', { kind: 'answer', status: 409, body: { code: 'cursor-mismatch' } }],
  ['answers 302', { kind: 'answer', status: 302, headers: { location: 'http://127.0.0.1:1/' } }],
  ['answers 200 with garbage', { kind: 'answer', status: 200, body: '\0\x01garbage' }],
  ['answers 200 with other JSON', { kind: 'answer', status: 200, body: { cursor: 7, rejects: null } }],
  ['answers 200 with nothing', { kind: 'answer', status: 200 }],
];

describe('data waits and then arrives when the relay', () => {
  test.each(faults)('%s to a batch', async (_what, fault) => {
    await using node = await SyncBench.make({ timers });
    await node.putMany(20);
    relay.fail('/relay/batch', fault, 3);
    node.enrol(relay);
    await relay.until(() => relay.callsOf('/relay/batch').length === 1);
    await expectDrained(node);
    // A fault that comes after the commit happens once: the batch is not sent again.
    for (let n = 0; relay.faultsLeft > 0; n += 1) {
      await node.put(`more-${n}`);
      await expectDrained(node);
    }
    relay.heal();
    await expectDrained(node);
    expect(relay.mostAtOnce).toBe(1);
  });

  test.each(faults)('%s to a session', async (_what, fault) => {
    await using node = await SyncBench.make({ timers });
    await node.putMany(20);
    relay.fail('/relay/session', fault, 3);
    node.enrol(relay);
    for (let tries = 1; tries <= 3; tries += 1) {
      await relay.until(() => relay.callsOf('/relay/session').length === tries);
      await tryAgain();
      expect(relay.callsOf('/relay/batch')).toHaveLength(0);
    }
    relay.heal();
    await expectDrained(node);
    expect(node.engine.link).toMatchObject({ state: 'open', error: null });
  });

  test('is not there at all, and comes back while nobody writes', async () => {
    const port = await freePort();
    await using node = await SyncBench.make({ timers });
    node.enrol({ url: `http://127.0.0.1:${port}` });
    await node.putMany(50);
    for (let tries = 0; tries < 5; tries += 1) await tryAgain();
    await expect.poll(() => node.engine.link.state).toBe('waiting');
    expect(node.engine.link.lastContactMs).toBeNull();
    expect(node.engine.link.error).toContain('ECONNREFUSED');
    await relay[Symbol.asyncDispose]();
    relay = await ModelRelay.start(port);
    await expectDrained(node);
  });

  test('hangs: it is given up after the time-out and asked again', async () => {
    await using node = await SyncBench.make({ timers, timeoutMs: 200 });
    await node.put('one');
    relay.fail('/relay/batch', { kind: 'hang' }, 1);
    node.enrol(relay);
    await expectDrained(node);
    relay.heal();
    expect(relay.callsOf('/relay/batch')).toHaveLength(2);
  });

  test('is slow: nothing is sent a second time while it works', async () => {
    await using node = await SyncBench.make({ timers });
    let release: () => void = () => undefined;
    relay.fail('/relay/batch', { kind: 'slow', until: new Promise<void>((resolve) => (release = resolve)) }, 1);
    await node.put('one');
    node.enrol(relay);
    await relay.until(() => relay.callsOf('/relay/session').length === 1);
    await expect.poll(() => relay.callsOf('/relay/batch').length).toBe(1);
    for (let n = 0; n < 20; n += 1) await node.put(`n${n}`);
    timers.fire();
    await relay.until(() => relay.callsOf('/relay/session').length === 2);
    expect(relay.callsOf('/relay/batch')).toHaveLength(1);
    release();
    await expectDrained(node);
    expect(relay.callsOf('/relay/batch')).toHaveLength(2);
    relay.heal();
  });
});

describe('waits between tries', () => {
  test('follow the dice, double up to a minute, and begin anew after a success', async () => {
    await using node = await SyncBench.make({ timers, random: () => 0.999 });
    relay.fail('/relay/batch', { kind: 'answer', status: 500 });
    await node.put('one');
    node.enrol(relay);
    for (let tries = 0; tries < 10; tries += 1) await tryAgain();
    await relay.until(() => relay.callsOf('/relay/batch').length === 11);
    await expect.poll(() => timers.armed.some(isRetry)).toBe(true);
    const ceilings = [250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000];
    const retries = (): number[] => timers.asked.filter((delayMs) => isRetry(delayMs) && delayMs > 100);
    expect(retries()).toEqual(ceilings.map((ceiling) => Math.round(ceiling * 0.999)));
    relay.heal();
    await expectDrained(node);
    relay.fail('/relay/batch', { kind: 'answer', status: 500 }, 1);
    await node.put('two');
    await expectDrained(node);
    expect(retries().at(-1)).toBe(250);
  });

  test('grow too when every session opens well and every batch breaks the connection', async () => {
    await using node = await SyncBench.make({ timers, random: () => 0.999 });
    relay.fail('/relay/batch', { kind: 'reset' });
    await node.put('one');
    node.enrol(relay);
    for (let tries = 0; tries < 6; tries += 1) await tryAgain();
    await expect.poll(() => timers.asked.filter((delayMs) => isRetry(delayMs) && delayMs > 100).length).toBe(7);
    expect(timers.asked.filter((delayMs) => delayMs > 100 && isRetry(delayMs)).at(-1)).toBe(Math.round(16_000 * 0.999));
    relay.heal();
    await expectDrained(node);
  });

  test.each(['/relay/batch', '/relay/session'])('are as long as Retry-After asks at %s', async (path) => {
    await using node = await SyncBench.make({ timers, random: () => 0 });
    relay.fail(path, { kind: 'answer', status: 503, headers: { 'retry-after': '33' } }, 1);
    await node.put('one');
    node.enrol(relay);
    await expect.poll(() => timers.armed.filter(isRetry)).toEqual([33_000]);
    await node.put('two');
    expect(timers.armed.filter(isRetry)).toEqual([33_000]);
    expect(relay.callsOf('/relay/batch').length).toBeLessThanOrEqual(1);
    await expectDrained(node);
    relay.heal();
  });

  test('are never longer than ten minutes, whatever Retry-After says', async () => {
    await using node = await SyncBench.make({ timers, random: () => 0 });
    const asks = ['999999999', '-5', 'tomorrow', 'Fri, 20 Nov 2026 00:00:00 GMT', '1e9'];
    for (const ask of asks)
      relay.fail('/relay/batch', { kind: 'answer', status: 429, headers: { 'retry-after': ask } }, 1);
    await node.put('one');
    node.enrol(relay);
    await expectDrained(node);
    relay.heal();
    expect(timers.asked.filter(isRetry)).toEqual([600_000, 600_000]);
  });
});

describe('a relay that does not let the node in', () => {
  test.each([401, 403, 404, 426])(
    '%d pauses, alarms once a try, keeps the data, and resumes by itself',
    async (status) => {
      const { log, entries } = recorder();
      await using node = await SyncBench.make({ timers, log });
      node.enrol(relay);
      await node.put('one');
      await expectDrained(node);
      for (const path of ['/relay/batch', '/relay/session'])
        relay.fail(path, { kind: 'answer', status, body: { code: 'x' } });
      await node.put('two');
      await expect.poll(() => node.engine.link.state, { interval: 1 }).toBe('paused');
      await node.put('three');
      for (let tries = 0; tries < 3; tries += 1) {
        await expect.poll(() => timers.armed).toEqual([60_000]);
        timers.fire();
        await expect.poll(() => node.engine.link.state, { interval: 1 }).toBe('paused');
        await relay.until(() => relay.callsOf('/relay/session').length === tries + 2);
        await expect.poll(() => timers.armed.length, { interval: 1 }).toBe(1);
      }
      expect(node.engine.streamState('ada')).toBe('held');
      expect(relay.callsOf('/relay/batch')).toHaveLength(2);
      expect(entries.filter(({ level }) => level >= 50).length).toBeGreaterThanOrEqual(3);
      expect(node.store().counters.outbox).toBe(2);
      relay.heal();
      timers.fire();
      await expectDrained(node);
    },
  );

  test('because another daemon speaks for it stops all sending until it is let in again, and the agents go on', async () => {
    const { log, entries } = recorder();
    await using node = await SyncBench.make({ timers, log });
    node.enrol(relay);
    await node.put('one');
    await expectDrained(node);
    relay.fail('/relay/batch', { kind: 'answer', status: 409, body: { code: 'node-cloned' } }, 1);
    await node.put('two');
    await expect.poll(() => node.engine.link.state, { interval: 1 }).toBe('cloned');
    relay.heal();
    relay.fail('/relay/session', { kind: 'answer', status: 409, body: { code: 'node-cloned' } });
    const batchesBefore = relay.callsOf('/relay/batch').length;
    await node.put('three');
    for (let n = 0; n < 5; n += 1) {
      const asked = relay.callsOf('/relay/session').length;
      timers.fire();
      await expect.poll(() => relay.callsOf('/relay/session').length, { interval: 1 }).toBe(asked + 1);
      await expect.poll(() => timers.armed.length, { interval: 1 }).toBeGreaterThan(0);
    }
    await node.put('four');
    expect(node.engine.link.state).toBe('cloned');
    expect(relay.callsOf('/relay/batch')).toHaveLength(batchesBefore);
    expect(entries.filter(({ level }) => level >= 50).length).toBeGreaterThanOrEqual(6);
    expect(Object.keys(node.documents())).toHaveLength(4);
    relay.heal();
    timers.fire();
    await expectDrained(node);
  });

  test('as a clone from the first session on never sends', async () => {
    await using first = await SyncBench.make({ timers });
    first.enrol(relay);
    await expect.poll(() => first.engine.link.state).toBe('open');
    await using second = await SyncBench.make({ timers });
    await second.put('one');
    second.enrol(relay);
    await expect.poll(() => second.engine.link.state).toBe('cloned');
    expect(relay.callsOf('/relay/batch')).toHaveLength(0);
  });
});

describe('a relay that takes less at once', () => {
  test('gets halves until it takes them, and everything in the end', async () => {
    await using node = await SyncBench.make({ timers });
    await node.putMany(1000);
    relay.mostChanges = 130;
    node.enrol(relay);
    await expectDrained(node);
    const sizes = relay.callsOf('/relay/batch').map(({ changes }) => changes.length);
    expect(sizes.slice(0, 4)).toEqual([1000, 500, 250, 125]);
    expect(node.taken).toEqual({ changes: 1000, rejects: 0 });
  });

  test('and will not take one record even alone: that one is a dead letter, the rest arrives', async () => {
    await using node = await SyncBench.make({ timers });
    for (const id of ['a', 'poison', 'b', 'c']) await node.put(id, { text: id });
    relay.tooLarge = (change) => change.id === 'poison';
    node.enrol(relay);
    await expect.poll(() => node.store().counters.outbox).toBe(0);
    expect(Object.keys(relay.documents('ada')).toSorted()).toEqual(['notes/a', 'notes/b', 'notes/c']);
    const letters = node.store().outbox.deadLetters();
    expect(letters).toMatchObject([{ record: 'poison', code: 'record-too-large', collection: 'notes' }]);
    expect(Object.keys(node.documents())).toContain('notes/poison');
    await node.store().retryDeadLetter(letters[0]?.id ?? '');
    await expect.poll(() => node.store().outbox.deadLetters().length).toBe(1);
    relay.tooLarge = () => false;
    await node.store().retryDeadLetter(node.store().outbox.deadLetters()[0]?.id ?? '');
    await expectDrained(node);
    expect(node.store().outbox.deadLetters().length).toBe(0);
  });

  test('and whose answer is lost when it lets one be skipped: the dead letter is kept all the same', async () => {
    await using node = await SyncBench.make({ timers });
    await node.put('poison');
    relay.tooLarge = (change) => change.id === 'poison';
    relay.fail('/relay/batch', { kind: 'slow', until: Promise.resolve() }, 1);
    relay.fail('/relay/batch', { kind: 'lose-answer' }, 1);
    node.enrol(relay);
    await expect.poll(() => timers.fire(isRetry), { interval: 1 }).toBe(1);
    await expect.poll(() => node.store().counters.outbox).toBe(0);
    const [whole, skipped] = relay.callsOf('/relay/batch');
    expect([whole?.body.digest, skipped?.body.digest]).toEqual([expect.any(String), undefined]);
    relay.heal();
    expect(relay.documents('ada')).toEqual({});
    expect(node.store().outbox.deadLetters()).toMatchObject([{ record: 'poison', code: 'record-too-large' }]);
  });

  test('and answers 413 to everything, even to nothing: it is waited for like any failure', async () => {
    await using node = await SyncBench.make({ timers });
    await node.putMany(3);
    relay.fail('/relay/batch', { kind: 'answer', status: 413 }, 21);
    node.enrol(relay);
    await expectDrained(node);
    relay.heal();
    expect(node.store().outbox.deadLetters().length).toBe(0);
  });
});

describe('what the relay rejects', () => {
  test('does not block the rest, is listed here, and can be sent again or dropped', async () => {
    await using node = await SyncBench.make({ timers });
    await node.putMany(10);
    relay.refusal = ({ id }) => (id === 'n3' || id === 'n7' ? { code: 'poison', reason: 'not this one' } : undefined);
    node.enrol(relay);
    await expect.poll(() => node.store().counters.outbox).toBe(0);
    expect(Object.keys(relay.documents('ada'))).toHaveLength(8);
    const letters = node.store().outbox.deadLetters();
    expect(letters).toMatchObject([
      { record: 'n3', code: 'poison', reason: 'not this one' },
      { record: 'n7', code: 'poison', reason: 'not this one' },
    ]);
    expect(node.taken).toEqual({ changes: 10, rejects: 2 });
    relay.refusal = () => undefined;
    await node.store().dropDeadLetter(letters[0]?.id ?? '');
    await node.store().retryDeadLetter(letters[1]?.id ?? '');
    await relay.until(() => Object.keys(relay.documents('ada')).length === 9);
    await expect.poll(() => node.store().outbox.deadLetters().length).toBe(0);
    expect(Object.keys(relay.documents('ada'))).not.toContain('notes/n3');
  });
});

describe('a relay that lies', () => {
  const version = '0192f0c1a2b3-0001-7f3a9c21';

  test('about how far it stands after a batch makes nobody forget what was not sent', async () => {
    await using node = await SyncBench.make({ timers });
    await node.putMany(1500);
    const body = { cursor: { seq: 999_999, version }, rejects: [] };
    relay.fail('/relay/batch', { kind: 'answer', status: 200, body }, 2);
    node.enrol(relay);
    await expectDrained(node);
    relay.heal();
    expect(Object.keys(relay.documents('ada'))).toHaveLength(1500);
  });

  test('and refuses a batch from the very cursor it names is waited for, not asked in circles', async () => {
    await using node = await SyncBench.make({ timers });
    await node.put('one');
    const body = { code: 'cursor-mismatch', cursor: { seq: 0, version: '000000000000-0000-00000000' } };
    relay.fail('/relay/batch', { kind: 'answer', status: 409, body });
    node.enrol(relay);
    for (let tries = 1; tries <= 3; tries += 1) {
      await expect.poll(() => timers.armed.filter(isRetry).length).toBe(1);
      expect(relay.callsOf('/relay/batch')).toHaveLength(tries);
      expect(relay.callsOf('/relay/streams')).toHaveLength(0);
      timers.fire(isRetry);
      await relay.until(() => relay.callsOf('/relay/batch').length === tries + 1);
    }
    relay.heal();
    await expectDrained(node);
  });

  test('and stands elsewhere again after each reconciling is waited for, not reconciled with in circles', async () => {
    await using node = await SyncBench.make({ timers });
    await node.put('one');
    const body = { code: 'cursor-mismatch', cursor: { seq: 7, version } };
    relay.fail('/relay/batch', { kind: 'answer', status: 409, body });
    node.enrol(relay);
    for (let tries = 1; tries <= 3; tries += 1) {
      await expect.poll(() => timers.armed.filter(isRetry).length).toBe(1);
      expect(relay.callsOf('/relay/batch')).toHaveLength(tries + 1);
      expect(relay.callsOf('/relay/streams')).toHaveLength(tries);
      timers.fire(isRetry);
      await relay.until(() => relay.callsOf('/relay/batch').length === tries + 2);
    }
    relay.heal();
    await expectDrained(node);
  });

  test('and promises ever more pages without giving any is waited for', async () => {
    await using node = await SyncBench.make({ timers });
    await node.putMany(3);
    node.enrol(relay);
    await expectDrained(node);
    relay.disagree('ada');
    const body = { cursor: { seq: 3, version }, changes: [], more: true };
    relay.fail('/relay/streams', { kind: 'answer', status: 200, body }, 2);
    timers.fire((delayMs) => delayMs === HEARTBEAT_MS);
    await relay.until(() => relay.callsOf('/relay/streams').length === 1);
    await expectDrained(node);
    await expect.poll(() => timers.armed.filter(isRetry).length).toBe(0);
    expect(relay.callsOf('/relay/streams').length).toBeLessThan(5);
    relay.heal();
  });
});

describe('a storm of faults', () => {
  test.each(Array.from({ length: 8 }, (_, round) => round))('conserves every write, round %d', async (round) => {
    const random = seededRandom(testSeed() + round);
    const agents = ['ada', 'bob', 'eve'];
    await using node = await SyncBench.make({ timers, agents, random: () => random.next() });
    node.enrol(relay);
    const paths = ['/relay/batch', '/relay/session', '/relay/streams'];
    let putBack: (() => void) | undefined;
    for (let step = 0; step < 80; step += 1) {
      const act = random.integer(0, 9);
      const agent = random.pick(agents);
      if (act < 5) await node.put(`r${random.integer(0, 30)}`, { step }, agent);
      else if (act === 5) relay.fail(random.pick(paths), random.pick(faults)[1], random.integer(1, 3));
      else if (act === 6) putBack = relay.backup();
      else if (act === 7) putBack?.();
      else timers.fire();
    }
    relay.forgive();
    for (const agent of agents) {
      const isSame = (): boolean => {
        timers.fire();
        return JSON.stringify(sorted(relay.documents(agent))) === JSON.stringify(sorted(node.documents(agent)));
      };
      await expect.poll(isSame, { interval: 3, timeout: 15_000 }).toBe(true);
      expect(node.store(agent).outbox.deadLetters().length).toBe(0);
    }
    expect(relay.mostAtOnce).toBe(1);
  });
});

function sorted(documents: Record<string, string>): (readonly [string, string])[] {
  return Object.entries(documents).toSorted(([one], [other]) => (one < other ? -1 : 1));
}
