import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { CommandError } from '../../command-error.ts';
import type { BenchProcess, Surroundings } from '../surroundings.ts';
import { RedisConnection } from './redis-connection.ts';

/** A Redis of our own. */
export interface RedisServer {
  readonly process: BenchProcess;
  readonly port: number;
  readonly connection: RedisConnection;
}

const POLL_MS = 5;
const LIMIT_MS = 60_000;

/**
 * Starts a server of our own on a free port, never the one that may run on this machine, with a log that is on the disk before each
 * answer. Throws CommandError when there is none.
 */
export async function startRedis(
  surroundings: Surroundings,
  name: string,
  further: readonly string[] = [],
): Promise<RedisServer> {
  const port = await freePort();
  const directory = join(surroundings.directory, name);
  mkdirSync(directory);
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
  const local = ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory];
  const sync = ['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0'];
  const server = surroundings.start('redis-server', [...local, ...durable, ...sync, ...further]);
  await server.firstLine;
  return { process: server, port, connection: await openWhenReady(port) };
}

async function openWhenReady(port: number): Promise<RedisConnection> {
  for (const untilMs = performance.now() + LIMIT_MS; performance.now() < untilMs; await sleep(POLL_MS)) {
    try {
      const connection = await RedisConnection.open(port);
      await connection.send('PING');
      return connection;
    } catch {
      // Not listening yet.
    }
  }
  throw new CommandError('Redis did not start', 'Nothing was measured.');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
