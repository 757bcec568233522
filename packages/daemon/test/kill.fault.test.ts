import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { type RunningProcess, seededRandom, startProcess, temporaryDirectory, testSeed } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { HttpCaller } from './support/http-call.ts';
import { ModelRelay } from './support/model-relay.ts';

const daemonProcess = new URL('fixtures/daemon-process.ts', import.meta.url).pathname;
const KILLS = 50;
const WRITERS = 8;

/** What callers were told: key to the value of the last answered write, and of one that was never answered. */
interface Told {
  readonly answered: Map<string, string>;
  readonly unanswered: Map<string, string>;
  /** Answered requests over all starts. */
  requests: number;
}

async function start(directory: string): Promise<{ daemon: RunningProcess; url: string }> {
  const daemon = await startProcess({ args: [daemonProcess, directory], ready: /^ready / });
  return { daemon, url: daemon.readyLine.replace('ready ', '') };
}

/** Writes to keys of its own, singly and in batches, until the daemon is gone. */
async function write(url: string, token: string, writer: number, told: Told): Promise<void> {
  const { answered, unanswered } = told;
  const caller = new HttpCaller(url);
  const headers = { authorization: `Bearer ${token}` };
  try {
    for (let round = 0; ; round += 1) {
      const keys = round % 3 === 0 ? [0, 1, 2].map((part) => `w${writer}-b${part}`) : [`w${writer}-${round % 7}`];
      const value = JSON.stringify({ stamp: `${process.hrtime.bigint()}`, fill: 'x'.repeat(200) });
      for (const key of keys) unanswered.set(key, value);
      const operations = keys.map((id) => `{"op":"put","collection":"kv","id":"${id}","doc":${value}}`);
      const { status } = await (keys.length > 1
        ? caller.send({ method: 'POST', path: '/v1/batch', headers, body: `[${operations.join(',')}]` })
        : caller.send({ method: 'PUT', path: `/v1/kv/${keys[0] ?? ''}`, headers, body: value }));
      if (status !== 200) throw new Error(`a write was answered with ${status}`);
      told.requests += 1;
      for (const key of keys) {
        answered.set(key, value);
        unanswered.delete(key);
      }
    }
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('a write was answered')) throw error;
  } finally {
    caller.close();
  }
}

async function stored(url: string, token: string): Promise<Map<string, string>> {
  const caller = new HttpCaller(url);
  const { text } = await caller.send({
    method: 'GET',
    path: '/v1/kv?limit=1000',
    headers: { authorization: `Bearer ${token}` },
  });
  caller.close();
  const { entries } = JSON.parse(text) as { entries: { key: string; value: unknown }[] };
  return new Map(entries.map(({ key, value }) => [key, JSON.stringify(value)]));
}

/** Every answered write is there; a write nobody was answered is there whole, with its whole batch, or not at all. */
function expectKept(found: ReadonlyMap<string, string>, { answered, unanswered }: Told): void {
  for (const [key, value] of answered) {
    const possible = [value, unanswered.get(key)];
    expect(possible, `the answered write of ${key} is missing`).toContain(found.get(key));
  }
  for (let writer = 0; writer < WRITERS; writer += 1) {
    const parts = new Set([0, 1, 2].map((part) => found.get(`w${writer}-b${part}`)));
    expect(parts.size, `half a batch of writer ${writer} is there`).toBe(1);
  }
  for (const [key, value] of found) {
    answered.set(key, value);
    unanswered.delete(key);
  }
  unanswered.clear();
}

test(
  'a daemon killed 50 times in mid-write loses no answered write, here or on the relay, and is ready again each time',
  { timeout: 300_000 },
  async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const directory = place.file('node');
    const random = seededRandom(testSeed());
    const told: Told = { answered: new Map(), unanswered: new Map(), requests: 0 };
    let { daemon, url } = await start(directory);
    const admin = new HttpCaller(url);
    const headers = { authorization: `Bearer ${readFileSync(join(directory, 'admin.token'), 'utf8').trim()}` };
    const made = await admin.send({ method: 'POST', path: '/v1/agents', headers, body: '{"name":"ada"}' });
    const { token } = JSON.parse(made.text) as { token: string };
    const body = JSON.stringify({ relay: relay.url, token: 't', name: 'n' });
    expect((await admin.send({ method: 'POST', path: '/v1/node/join', headers, body })).status).toBe(200);
    admin.close();
    let kills = 0;
    try {
      for (; kills < KILLS; kills += 1) {
        const batchesBefore = relay.callsOf('/relay/batch').length;
        const enough = told.requests + random.integer(10, 60);
        const writers = Array.from({ length: WRITERS }, (_, writer) => write(url, token, writer, told));
        // In mid-write: many were answered, others are not yet, and often the relay is in the middle of a batch.
        await expect.poll(() => told.requests >= enough, { interval: 1, timeout: 10_000 }).toBe(true);
        if (kills % 2 === 0) await relay.until(() => relay.callsOf('/relay/batch').length > batchesBefore);
        await daemon.kill('SIGKILL');
        await Promise.all(writers);
        ({ daemon, url } = await start(directory));
        expectKept(await stored(url, token), told);
      }
      const texts = Object.fromEntries([...told.answered].map(([key, value]) => [`kv/${key}`, value]));
      await relay.until(() => JSON.stringify(sorted(relay.documents('ada'))) === JSON.stringify(sorted(texts)));
      expect(relay.mostAtOnce).toBe(1);
    } finally {
      await daemon.kill('SIGKILL');
    }
    expect(kills).toBe(KILLS);
    expect(told.requests).toBeGreaterThan(KILLS * 10);
  },
);

function sorted(documents: Record<string, string>): (readonly [string, string])[] {
  return Object.entries(documents).toSorted(([one], [other]) => (one < other ? -1 : 1));
}
