import { setTimeout as sleep } from 'node:timers/promises';

import { CommandError } from '../../command-error.ts';
import { CHUNK_ROWS } from '../bulk-write.ts';
import type { Setting } from '../figures/figure.ts';
import type { LoadResult } from '../load-plan.ts';
import { sampleDocument, sampleNumber } from '../sample-document.ts';
import { timeVisibility } from '../visible.ts';
import type { Peer } from './peer.ts';
import type { RedisConnection } from './redis-connection.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

const POLL_MS = 5;
const LIMIT_MS = 60_000;

/** Redis with a log that is on the disk before each answer, and a replica. A key and a value, no indexes, no versions. */
export const redis: Peer = {
  name: 'Redis',
  measure: async (setting) => {
    const { surroundings, scale } = setting;
    const server = await startRedis(surroundings, 'redis-server');
    const singlePerSecond = await measureSingle(setting, server);
    await server.connection.send('FLUSHALL');
    const bulkPerSecond = await writeRows(server.connection, scale.bulkRows);
    const startedAtMs = performance.now();
    const replica = await startRedis(surroundings, 'redis-replica', ['--replicaof', `127.0.0.1 ${server.port}`]);
    const drainPerSecond = await drain(replica.connection, scale.bulkRows, startedAtMs);
    const visibleMs = await timeVisibility(scale.visibleWrites, {
      write: (index) => server.connection.send('SET', `v-${index}`, sampleDocument(index)),
      isThere: async (index) => (await replica.connection.send('GET', `v-${index}`)) !== null,
    });
    for (const { connection, process: running } of [server, replica]) {
      connection.close();
      await running.stop('SIGKILL');
    }
    return { singlePerSecond, bulkPerSecond, drainPerSecond, visibleMs };
  },
};

async function measureSingle({ surroundings, scale }: Setting, { port }: RedisServer): Promise<number> {
  const { warmUpMs, measureMs } = scale;
  const plan = { url: `http://127.0.0.1:${port}`, tokens: [], connections: 64, warmUpMs, measureMs, prefix: 's-' };
  const { requests, seconds } = await surroundings.run<LoadResult>('redis-load', plan);
  return requests / seconds;
}

/** Rows a second, pipelined in chunks on one connection. */
async function writeRows(connection: RedisConnection, rows: number): Promise<number> {
  const startedAtMs = performance.now();
  for (let from = 0; from < rows; from += CHUNK_ROWS) {
    const length = Math.min(CHUNK_ROWS, rows - from);
    const chunk = Array.from({ length }, (_, index) => from + index);
    await Promise.all(chunk.map((index) => connection.send('SET', sampleNumber(index), sampleDocument(index))));
  }
  return rows / ((performance.now() - startedAtMs) / 1000);
}

/** Rows a second until a new replica holds all: a copy of the whole memory, not a change after another. */
async function drain(replica: RedisConnection, rows: number, startedAtMs: number): Promise<number> {
  for (const untilMs = performance.now() + LIMIT_MS; performance.now() < untilMs; await sleep(POLL_MS)) {
    const held = await replica.send('DBSIZE').catch(() => null);
    if (Number(held) === rows) return rows / ((performance.now() - startedAtMs) / 1000);
  }
  throw new CommandError('the Redis replica did not catch up', 'Nothing was measured.');
}
