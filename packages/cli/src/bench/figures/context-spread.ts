import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { connect } from '@holdfast/client';

import { CommandError } from '../../command-error.ts';
import { startPair, stopService } from '../pair.ts';
import { startRedis } from '../peers/redis-server.ts';
import type { Reading } from '../reading.ts';
import { quantile } from '../rounds.ts';
import { enrol, startNode } from '../services.ts';
import type { Figure, Setting } from './figure.ts';

/** Light load: a pause after each write that was seen. */
const PAUSE_MS = 10;
const WARM_UP_WRITES = 30;
const KEY = 'spread';

/** The way of a shared value from its writer on one node to a watcher on another. */
export const contextSpread: Figure = {
  name: 'context.spread',
  help: 'time from sending a PUT of shared context on one node until a watcher on another has it',
  measure: async (setting) => {
    const delaysMs = await spread(setting);
    const redisMs = await redisSpread(setting);
    return [
      readingOf(delaysMs, redisMs, { share: 0.5, targetMs: 15 }),
      readingOf(delaysMs, redisMs, { share: 0.99, targetMs: 60 }),
    ];
  },
};

/** Writes that are seen one after the other: `seen` is told of each as it arrives. */
class Arrivals {
  #awaited: { readonly number: number; readonly resolve: () => void } | undefined;

  seen(number: number): void {
    if (this.#awaited?.number === number) this.#awaited.resolve();
  }

  /** Milliseconds from sending each write until it was seen. */
  async time(writes: number, write: (number: number) => Promise<unknown>): Promise<number[]> {
    const delaysMs: number[] = [];
    for (let number = 0; number < WARM_UP_WRITES + writes; number += 1) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#awaited = { number, resolve };
      const sentAtMs = performance.now();
      const written = write(number);
      await promise;
      if (number >= WARM_UP_WRITES) delaysMs.push(performance.now() - sentAtMs);
      await written;
      await sleep(PAUSE_MS);
    }
    return delaysMs;
  }
}

async function spread({ surroundings, scale }: Setting): Promise<number[]> {
  const pair = await startPair(surroundings, 'spread');
  const other = await startNode(surroundings, { name: 'spread-other' });
  try {
    await enrol(other, pair.relay, 'other');
    const [writer, reader] = [
      await pair.node.client.agents.create('writer'),
      await other.client.agents.create('reader'),
    ];
    await using here = connect({ url: pair.node.url, token: writer.token });
    await using there = connect({ url: other.url, token: reader.token });
    const arrivals = new Arrivals();
    const ending = new AbortController();
    const watching = (async () => {
      for await (const { value } of there.context.watch<number>(KEY, { signal: ending.signal }))
        arrivals.seen(value ?? -1);
    })();
    const delaysMs = await arrivals.time(scale.visibleWrites, (number) => here.context.put(KEY, number));
    ending.abort();
    await watching;
    return delaysMs;
  } finally {
    await stopService(other);
    await pair.stop();
  }
}

/** The same through a channel of Redis, which keeps nothing; undefined: there is none on this machine. */
async function redisSpread({ surroundings, scale }: Setting): Promise<number[] | undefined> {
  try {
    const { process: server, port, connection } = await startRedis(surroundings, 'redis-spread');
    const socket = connectSocket({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    socket.write(`SUBSCRIBE ${KEY}\r\n`);
    await once(socket, 'data');
    const arrivals = new Arrivals();
    socket.on('data', (part: Buffer) => arrivals.seen(Number(part.toString().trimEnd().split('\r\n').at(-1))));
    const delaysMs = await arrivals.time(scale.visibleWrites, (number) =>
      connection.send('PUBLISH', KEY, String(number)),
    );
    socket.destroy();
    connection.close();
    await server.stop('SIGKILL');
    return delaysMs;
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

function readingOf(
  delaysMs: readonly number[],
  redisMs: readonly number[] | undefined,
  { share, targetMs }: { readonly share: number; readonly targetMs: number },
): Reading {
  const delayMs = quantile(delaysMs, share);
  return {
    name: `${contextSpread.name}.p${share * 100}`,
    value: delayMs,
    unit: 'ms',
    target: { kind: 'at-most', value: targetMs },
    measured: `${delayMs.toFixed(1)} ms`,
    reference: redisMs === undefined ? null : `Redis pub/sub ${quantile(redisMs, share).toFixed(1)} ms`,
    details: { writes: delaysMs.length, least_ms: quantile(delaysMs, 0), most_ms: quantile(delaysMs, 1) },
  };
}
