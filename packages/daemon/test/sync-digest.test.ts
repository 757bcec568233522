import { cpSync, rmSync } from 'node:fs';
import { Writable } from 'node:stream';

import type { Change } from '@holdfast/protocol';
import { digestText, NO_SETTLEMENT } from '@holdfast/store';
import { temporaryDirectory } from '@holdfast/testkit';
import { type Logger, pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { ManualTimers } from './support/manual-timers.ts';
import { ModelRelay, withHash } from './support/model-relay.ts';
import { rangeOf, SyncBench, type SyncBenchOptions } from './support/sync-bench.ts';

const HEARTBEAT_MS = 15_000;
const NEWER = 'ffff00000000-0000-0badcafe';
const OLDER = '000000000001-0000-0badcafe';

let relay: ModelRelay;
let timers: ManualTimers;

beforeEach(async () => {
  relay = await ModelRelay.start();
  timers = new ManualTimers();
});
afterEach(() => relay[Symbol.asyncDispose]());

const isHeartbeat = (delayMs: number): boolean => delayMs === HEARTBEAT_MS;

/** A node with some records, all of them on the relay, and compared. */
async function drained(records = 20, options: SyncBenchOptions = {}): Promise<SyncBench> {
  const node = await SyncBench.make({ timers, ...options });
  await node.putMany(records);
  node.enrol(relay);
  await settled(node);
  await heartbeat(node);
  await expectEqual(node);
  relay.calls.length = 0;
  return node;
}

/** Waits until nothing is under way any more and the last comparison said that both have the same. */
async function expectEqual(node: SyncBench): Promise<void> {
  await settled(node);
  expect(node.engine.digestState('ada')).toBe('equal');
  expect(relay.documents('ada')).toEqual(node.documents());
  expect(relay.digest('ada')).toBe(digestText(node.store().counters.digest));
}

async function settled(node: SyncBench): Promise<void> {
  await expect.poll(() => node.engine.streamState('ada'), { interval: 1, timeout: 10_000 }).toBe('clean');
  expect(node.store().counters.outbox).toBe(0);
}

/** Lets the session be renewed, and everything that follows from it. */
async function heartbeat(node: SyncBench): Promise<void> {
  const before = relay.callsOf('/relay/session').length;
  await expect.poll(() => timers.fire(isHeartbeat), { interval: 1 }).toBe(1);
  await relay.until(() => relay.callsOf('/relay/session').length > before);
  await expect.poll(() => timers.armed.filter(isHeartbeat).length, { interval: 1 }).toBe(1);
  await settled(node);
}

/** What was repaired, one entry for each repair. */
function repairs(node: SyncBench): unknown[] {
  return node.notices.flatMap((notice) => (notice.kind === 'repaired' ? [notice.settlement] : []));
}

const nothing = NO_SETTLEMENT;

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

describe('what differs from the relay is found when the session is renewed, and mended:', () => {
  test('a record the relay lost is sent again', async () => {
    await using node = await drained();
    relay.lose('ada', 'n7');
    await heartbeat(node);
    expect(repairs(node)).toEqual([{ ...nothing, resent: 1 }]);
    await expectEqual(node);
  });

  test('a record the relay has an older version of is sent again', async () => {
    await using node = await drained();
    relay.alter('ada', 'n7', { version: OLDER, doc: { old: true } });
    await heartbeat(node);
    expect(repairs(node)).toEqual([{ ...nothing, resent: 1 }]);
    await expectEqual(node);
  });

  test('a record the relay has a newer version of is taken over', async () => {
    await using node = await drained(20);
    await node.stop();
    await using next = await restarted(node);
    relay.alter('ada', 'n7', { version: NEWER, doc: { new: true } });
    await heartbeat(next);
    expect(repairs(next)).toEqual([{ ...nothing, taken: 1 }]);
    await expectEqual(next);
    expect(next.documents()['notes/n7']).toBe('{"new":true}');
  });

  test('a record that is not here is taken over', async () => {
    await using node = await drained();
    const [known] = relay.changes('ada');
    relay.plant('ada', withHash({ ...(known as Change), id: 'forgotten' }));
    await heartbeat(node);
    expect(repairs(node)).toEqual([{ ...nothing, taken: 1 }]);
    await expectEqual(node);
    expect(Object.keys(node.documents())).toContain('notes/forgotten');
  });

  test('other content of the same version gives way to a new version of ours', async () => {
    await using node = await drained();
    relay.alter('ada', 'n7', { doc: { other: 'content' } });
    await heartbeat(node);
    expect(repairs(node)).toEqual([{ ...nothing, renewed: 1 }]);
    await expectEqual(node);
    expect(relay.documents('ada')['notes/n7']).toBe('{}');
  });

  test('what is not as its content hash says is replaced by ours', async () => {
    await using node = await drained();
    relay.alter('ada', 'n7', { doc: { damaged: true }, hash: 'f'.repeat(32) });
    await heartbeat(node);
    expect(repairs(node)).toEqual([{ ...nothing, renewed: 1 }]);
    await expectEqual(node);
  });

  test('deletions too', async () => {
    await using node = await drained();
    await node.store().write({ resource: '', operations: [{ op: 'delete', collection: 'notes', id: 'n3' }] });
    await expectEqual(node);
    relay.lose('ada', 'n3');
    await heartbeat(node);
    expect(repairs(node)).toEqual([{ ...nothing, resent: 1 }]);
    expect(relay.changes('ada').find(({ id }) => id === 'n3')).toMatchObject({ deleted: true });
  });

  test('many at once, and by pages', async () => {
    await using node = await drained(1500);
    relay.pageChanges = 100;
    for (let n = 0; n < 300; n += 1) relay.lose('ada', `n${n * 5}`);
    await heartbeat(node);
    expect(repairs(node)).toEqual([{ ...nothing, resent: 300 }]);
    await expectEqual(node);
    const copied = relay.callsOf('/relay/agents/ada/records');
    expect(copied).toHaveLength(12);
    expect(copied.every(({ path }) => !path.includes('bucket'))).toBe(true);
  });

  test('of few differences few records are fetched', async () => {
    await using node = await drained(1500);
    relay.lose('ada', 'n700');
    await heartbeat(node);
    const [copied, ...others] = relay.callsOf('/relay/agents/ada/records');
    expect(others).toEqual([]);
    expect(copied?.path).toContain('bucket=');
    await expectEqual(node);
  });
});

/** The same node's next start, on the same files. */
async function restarted(node: SyncBench): Promise<SyncBench> {
  const next = await SyncBench.make({ timers, predecessors: [node.boot], directory: node.directory });
  next.enrol(relay);
  await settled(next);
  return next;
}

describe('what differs is found', () => {
  test('by the batch that empties the outbox, without waiting for a session', async () => {
    await using node = await drained();
    relay.lose('ada', 'n7');
    await node.put('more');
    await expect.poll(() => repairs(node).length, { interval: 1 }).toBe(1);
    await expectEqual(node);
    expect(relay.callsOf('/relay/session')).toEqual([]);
  });

  test('after a restart, when nothing waits', async () => {
    await using node = await drained();
    await node.stop();
    relay.lose('ada', 'n7');
    await using next = await restarted(node);
    await expectEqual(next);
    expect(repairs(next)).toEqual([{ ...nothing, resent: 1 }]);
  });

  test('when the file is a new one under an old name: it gets everything back', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('agents');
    const node = await drained(1500, { directory });
    await node.stop();
    rmSync(directory, { recursive: true });
    await using next = await SyncBench.make({ timers, directory, predecessors: [node.boot] });
    next.enrol(relay);
    await expect.poll(() => repairs(next)).toEqual([{ ...nothing, taken: 1500 }]);
    await settled(next);
    expect(Object.keys(next.documents())).toHaveLength(1500);
    await heartbeat(next);
    expect(next.engine.digestState('ada')).toBe('equal');
  });

  /** A node whose file was put back; only the fast lane brought what it forgot, so that the cursors agree. */
  async function putBack(directory: string, copy: string, options: SyncBenchOptions): Promise<SyncBench> {
    const first = await drained(3, { directory });
    await first.stop();
    cpSync(directory, copy, { recursive: true });
    const second = await SyncBench.make({ timers, directory, predecessors: [first.boot] });
    second.enrol(relay);
    await settled(second);
    relay.fail('/relay/batch', { kind: 'hang' });
    await second.put('one');
    await expect.poll(() => second.engine.streamState('ada')).toBe('sending');
    const urgent = await second.put('urgent');
    expect(await second.engine.waitForRelay('ada', rangeOf(urgent), 2000)).toBe('relay');
    await second.stop();
    relay.heal();
    rmSync(directory, { recursive: true });
    cpSync(copy, directory, { recursive: true });
    return SyncBench.make({ timers, directory, predecessors: [second.boot], ...options });
  }

  test('when the file was put back and the cursors agree, as only the fast lane brought what is missing', async () => {
    await using place = await temporaryDirectory();
    await using node = await putBack(place.file('agents'), place.file('copy'), {});
    node.enrol(relay);
    await expect.poll(() => repairs(node)).toEqual([{ ...nothing, taken: 1 }]);
    await heartbeat(node);
    await expectEqual(node);
    expect(Object.keys(node.documents())).toContain('notes/urgent');
    expect(relay.callsOf('/relay/streams')).toHaveLength(0);
  });

  /** Notes what the agent's file holds whenever somebody is told of a file that is settled, and it is. */
  function noteSettled(): { readonly told: string[][]; readonly onSettled: (node: SyncBench) => void } {
    const told: string[][] = [];
    const onSettled = (node: SyncBench): void => {
      if (node.engine.isSettled('ada')) told.push(Object.keys(node.documents()));
    };
    return { told, onSettled };
  }

  test('then it is settled no sooner than it has what was missing, and that is told', async () => {
    await using place = await temporaryDirectory();
    const { told, onSettled } = noteSettled();
    await using node = await putBack(place.file('agents'), place.file('copy'), { onSettled });
    node.enrol(relay);
    await expect.poll(() => told).not.toEqual([]);
    for (const ids of told) expect(ids).toContain('notes/urgent');
  });

  test('a file of whose agent the relay has nothing is settled as soon as the relay says so', async () => {
    const { told, onSettled } = noteSettled();
    await using node = await SyncBench.make({ timers, onSettled });
    await node.put('one');
    relay.fail('/relay/batch', { kind: 'hang' });
    node.enrol(relay);
    await expect.poll(() => told[0]).toEqual(['notes/one']);
  });

  test('then too what was written since is the later write, under a clock that was set back', async () => {
    await using place = await temporaryDirectory();
    const now = (): number => Date.now() - 3_600_000;
    await using node = await putBack(place.file('agents'), place.file('copy'), { now });
    await node.put('urgent', { later: true });
    node.enrol(relay);
    await settled(node);
    await heartbeat(node);
    expect(repairs(node)).toEqual([{ ...nothing, renewed: 1 }]);
    await heartbeat(node);
    await expectEqual(node);
    expect(relay.documents('ada')['notes/urgent']).toBe('{"later":true}');
  });

  test('when the relay holds many records that it does not count: they are sent again', async () => {
    await using node = await drained(40);
    relay.discount(Array.from({ length: 30 }, (_, at) => `n${at}`));
    await heartbeat(node);
    await heartbeat(node);
    await expectEqual(node);
    expect(repairs(node)).toEqual([{ ...nothing, resent: 30 }]);
  });

  test('when the relay rejected something and its answer was lost: the dead letter appears after all', async () => {
    await using node = await SyncBench.make({ timers });
    relay.refusal = ({ id }) => (id === 'n1' ? { code: 'poison', reason: 'no' } : undefined);
    relay.fail('/relay/batch', { kind: 'lose-answer' }, 1);
    await node.putMany(3);
    node.enrol(relay);
    await expect.poll(() => timers.fire((delayMs) => delayMs < HEARTBEAT_MS), { interval: 1 }).toBe(1);
    await settled(node);
    relay.heal();
    await heartbeat(node);
    expect(node.store().outbox.deadLetters()).toMatchObject([{ record: 'n1', code: 'poison' }]);
    await heartbeat(node);
    expect(node.engine.digestState('ada')).toBe('equal');
    expect(repairs(node)).toEqual([{ ...nothing, resent: 1 }]);
  });
});

describe('nobody is alarmed', () => {
  test('by a rejected record of which the relay holds an older version', async () => {
    await using node = await drained();
    relay.refusal = ({ id, doc }) =>
      id === 'n1' && JSON.stringify(doc).includes('bad') ? { code: 'poison', reason: 'no' } : undefined;
    await node.put('n1', { bad: true });
    await settled(node);
    await heartbeat(node);
    await heartbeat(node);
    expect(node.engine.digestState('ada')).toBe('equal');
    expect(node.notices).toEqual([]);
    await node.put('n1', { good: true });
    await expectEqual(node);
    expect(node.notices).toEqual([]);
  });

  test('by a record the relay takes after all: its dead letter is dropped', async () => {
    await using node = await drained();
    relay.refusal = ({ id }) => (id === 'late' ? { code: 'poison', reason: 'no' } : undefined);
    await node.put('late', { n: 1 });
    await settled(node);
    expect(node.store().outbox.deadLetters()).toHaveLength(1);
    const [sent] = relay.callsOf('/relay/batch').at(-1)?.changes ?? [];
    relay.plant('ada', sent as Change);
    await heartbeat(node);
    await heartbeat(node);
    expect(node.engine.digestState('ada')).toBe('equal');
    expect(node.store().outbox.deadLetters()).toEqual([]);
    expect(node.notices).toEqual([]);
  });

  test('by records that expire, whoever sweeps them first', async () => {
    const clock = { ms: Date.now() };
    await using node = await drained(5, { now: () => clock.ms });
    const operation = { op: 'put', collection: 'notes', expiresAtMs: clock.ms + 1000 } as const;
    const document = { value: {}, text: '{}' };
    for (const id of ['a', 'b', 'n1']) {
      await node.store().write({ resource: '', operations: [{ ...operation, id, document }] });
    }
    await settled(node);
    relay.lose('ada', 'a');
    await heartbeat(node);
    clock.ms += 2000;
    await node.store().sweep(10, true);
    await heartbeat(node);
    await node.put('more');
    await settled(node);
    expect(node.engine.digestState('ada')).toBe('equal');
    expect(node.notices).toEqual([]);
    expect(relay.callsOf('/relay/agents')).toEqual([]);
  });

  test('and no file is opened for it while an agent rests', async () => {
    await using node = await drained();
    await node.put('more');
    await expectEqual(node);
    const get = vi.spyOn(node.files, 'get');
    for (let beats = 1; beats <= 2; beats += 1) {
      await expect.poll(() => timers.fire(isHeartbeat), { interval: 1 }).toBe(1);
      await relay.until(() => relay.callsOf('/relay/session').length === beats);
      await expect.poll(() => timers.armed.filter(isHeartbeat).length, { interval: 1 }).toBe(1);
    }
    expect(get).not.toHaveBeenCalled();
    expect(node.engine.digestState('ada')).toBe('equal');
  });

  test('by what is written while a session is asked for, sent while it is, or goes by the fast lane', async () => {
    await using node = await drained();
    for (let round = 0; round < 10; round += 1) {
      let release: () => void = () => undefined;
      const until = new Promise<void>((resolve) => (release = resolve));
      const isLate = round % 4 > 1;
      relay.fail('/relay/session', { kind: isLate ? 'late' : 'slow', until }, 1);
      const { length } = relay.callsOf('/relay/session');
      timers.fire(isHeartbeat);
      await expect.poll(() => relay.callsOf('/relay/session').length, { interval: 1 }).toBe(length + 1);
      const written = await node.put(`n${round}`, { round });
      if (round % 2 === 0) await node.engine.waitForRelay('ada', rangeOf(written), 2000);
      release();
      if (!isLate) await node.put('other', { round });
      await expect.poll(() => timers.armed.some(isHeartbeat), { interval: 1 }).toBe(true);
      await settled(node);
    }
    relay.heal();
    await heartbeat(node);
    await expectEqual(node);
    expect(node.notices).toEqual([]);
    expect(relay.callsOf('/relay/agents')).toEqual([]);
  });
});

describe('a repair', () => {
  test('is not misled by what is written meanwhile, and that is not kept waiting', async () => {
    await using node = await drained(200);
    relay.lose('ada', 'n7');
    let release: () => void = () => undefined;
    const slow = { kind: 'slow', until: new Promise<void>((resolve) => (release = resolve)) } as const;
    relay.fail('/relay/agents/ada/digest', slow, 1);
    timers.fire(isHeartbeat);
    await expect.poll(() => node.engine.streamState('ada'), { interval: 1 }).toBe('comparing');
    for (let n = 0; n < 200; n += 3) await node.put(`n${n}`, { again: true });
    await node.put('new');
    expect(node.engine.streamState('ada')).toBe('comparing');
    release();
    await settled(node);
    await expectEqual(node);
    expect(repairs(node)).toEqual([{ ...nothing, resent: 1 }]);
    relay.heal();
  });

  test.each(['/relay/agents/ada/digest', '/relay/agents/ada/records'])(
    'that breaks off at %s is done another time',
    async (path) => {
      await using node = await drained();
      relay.lose('ada', 'n7');
      relay.lose('ada', 'n8');
      relay.fail(path, { kind: 'answer', status: 500 }, 1);
      relay.fail(path, { kind: 'half-answer' }, 1);
      relay.fail(path, { kind: 'answer', status: 200, body: { buckets: 7 } }, 1);
      const tryOn = (): boolean => {
        timers.fire();
        return node.engine.digestState('ada') === 'equal' && node.notices.length > 0;
      };
      await expect.poll(tryOn, { interval: 2, timeout: 10_000 }).toBe(true);
      await settled(node);
      relay.heal();
      await expectEqual(node);
      expect(repairs(node)).toEqual([{ ...nothing, resent: 2 }]);
    },
  );

  test('is said once, with counts and without anybody’s data', async () => {
    const { log, entries } = recorder();
    await using node = await drained(20, { log });
    relay.lose('ada', 'n7');
    relay.alter('ada', 'n8', { doc: { secret: 'other' } });
    entries.length = 0;
    await heartbeat(node);
    await expectEqual(node);
    const said = entries.filter(({ level }) => level >= 40);
    expect(said).toMatchObject([{ level: 40, agent: 'ada', settlement: { ...nothing, renewed: 1, resent: 1 } }]);
    expect(JSON.stringify(said)).not.toMatch(/n7|n8|secret/);
    expect(node.engine.streamNotice('ada')).toContain('1 sent as the later write, 1 sent again');
  });

  test('that does not help is tried three times and then now and then, and the alarm is raised', async () => {
    const { log, entries } = recorder();
    await using node = await drained(20, { log });
    const [known] = relay.changes('ada');
    // Nothing here can take the place of a record that only the relay has, damaged.
    relay.plant('ada', { ...(known as Change), id: 'lost', hash: 'f'.repeat(32) });
    for (let beats = 1; beats <= 3; beats += 1) {
      await heartbeat(node);
      expect(relay.callsOf('/relay/agents/ada/digest')).toHaveLength(beats);
      expect(node.engine.digestState('ada')).toBe('different');
    }
    expect(entries.filter(({ msg }) => msg.includes('still differ'))).toEqual([]);
    for (let beats = 1; beats <= 10; beats += 1) await heartbeat(node);
    await node.put('more');
    await settled(node);
    expect(relay.callsOf('/relay/agents/ada/digest')).toHaveLength(3);
    expect(entries.filter(({ level, msg }) => level === 50 && msg.includes('still differ'))).toHaveLength(1);
    expect(node.notices.map(({ kind }) => kind)).toEqual(['repaired', 'repaired', 'repaired', 'diverged']);
    await heartbeat(node);
    expect(relay.callsOf('/relay/agents/ada/digest')).toHaveLength(4);
    expect(Object.keys(node.documents())).not.toContain('notes/lost');
    relay.lose('ada', 'lost');
    await heartbeat(node);
    expect(node.engine.digestState('ada')).toBe('equal');
    expect(relay.documents('ada')).toEqual(node.documents());
  });
});

describe('reconciling is said:', () => {
  test('a relay that was put back, once, with how much is sent again', async () => {
    await using node = await drained(5);
    const putBack = relay.backup();
    for (let n = 0; n < 4; n += 1) await node.put(`later-${n}`);
    await expectEqual(node);
    putBack();
    await heartbeat(node);
    await expectEqual(node);
    expect(node.notices).toEqual([{ kind: 'rewound', records: 4, gone: 0 }]);
    expect(node.engine.streamNotice('ada')).toBe('the relay was put back, or is a new one: 4 records are sent again');
  });

  test('a file that was put back, with how much was taken over; what is damaged is left out', async () => {
    await using place = await temporaryDirectory();
    const directory = place.file('agents');
    const copy = place.file('copy');
    const first = await drained(5, { directory });
    await first.stop();
    cpSync(directory, copy, { recursive: true });
    const second = await SyncBench.make({ timers, directory, predecessors: [first.boot] });
    second.enrol(relay);
    await second.putMany(3);
    await second.put('one');
    await second.put('two');
    await settled(second);
    await second.stop();
    rmSync(directory, { recursive: true });
    cpSync(copy, directory, { recursive: true });
    relay.alter('ada', 'two', { doc: { damaged: true }, hash: 'f'.repeat(32) });
    await using third = await SyncBench.make({ timers, directory, predecessors: [second.boot] });
    third.enrol(relay);
    await expect.poll(() => third.notices.length).toBe(1);
    await settled(third);
    expect(third.notices).toEqual([{ kind: 'adopted', settlement: { ...nothing, taken: 4, broken: 1 } }]);
    expect(Object.keys(third.documents())).toContain('notes/one');
    expect(Object.keys(third.documents())).not.toContain('notes/two');
    await heartbeat(third);
    expect(third.engine.digestState('ada')).toBe('different');
  });

  test('an answer that was lost over a restart is nothing to be alarmed about', async () => {
    const node = await SyncBench.make({ timers });
    await using place = await temporaryDirectory();
    await node.putMany(5);
    relay.fail('/relay/batch', { kind: 'lose-answer' }, 1);
    node.enrol(relay);
    await expect.poll(() => node.engine.link.state).toBe('waiting');
    const directory = place.file('agents');
    await node.stop();
    cpSync(node.directory, directory, { recursive: true });
    await node[Symbol.asyncDispose]();
    relay.heal();
    await using next = await SyncBench.make({ timers, directory, predecessors: [node.boot] });
    next.enrol(relay);
    await expect.poll(() => next.store().counters.outbox).toBe(0);
    await settled(next);
    await heartbeat(next);
    await expectEqual(next);
    expect(next.notices).toEqual([]);
  });
});

describe('a stream', () => {
  test('begins anew under another identity: everything is sent to where nothing is known of it', async () => {
    await using node = await drained(20);
    await using elsewhere = await ModelRelay.start();
    const boot = 'a'.repeat(32);
    await node.reenrol(elsewhere, boot);
    await expect.poll(() => elsewhere.digest('ada')).toBe(digestText(node.store().counters.digest));
    await settled(node);
    expect(elsewhere.callsOf('/relay/session')[0]?.body).toEqual({ boot, predecessors: [] });
    expect(elsewhere.callsOf('/relay/batch').every(({ body }) => body.boot === boot)).toBe(true);
    await node.put('more');
    await expect.poll(() => Object.keys(elsewhere.documents('ada'))).toContain('notes/more');
    expect(relay.calls).toEqual([]);
  });

  test('that is written to while it gets another identity goes on with that one', async () => {
    await using node = await drained(5);
    await using elsewhere = await ModelRelay.start();
    relay.fail('/relay/batch', { kind: 'hang' });
    await node.put('under way');
    await expect.poll(() => node.engine.streamState('ada')).toBe('sending');
    const boot = 'a'.repeat(32);
    const writing = node.put('meanwhile');
    await node.reenrol(elsewhere, boot);
    await writing;
    await expect.poll(() => Object.keys(elsewhere.documents('ada'))).toContain('notes/meanwhile');
    await settled(node);
    expect(elsewhere.digest('ada')).toBe(digestText(node.store().counters.digest));
    expect(elsewhere.callsOf('/relay/batch')).toMatchObject([{ body: { boot } }]);
  });

  test('that is forgotten begins anew with the next write, from where the relay stands', async () => {
    await using node = await drained(5);
    await node.engine.forget('ada');
    expect(node.engine.streamState('ada')).toBe('held');
    expect(node.engine.digestState('ada')).toBe('unknown');
    await node.put('more');
    await settled(node);
    await expectEqual(node);
  });
});
