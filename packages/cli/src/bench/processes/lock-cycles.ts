/**
 * Takes and releases locks, on and on: lanes with a lock and a connection of their own, one request under way each, over plain
 * sockets. Takes a LockPlan, gives a LockResult. Ends with 1 when a lock is not given.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { LockPlan, LockResult } from '../lock-plan.ts';
import { RedisConnection } from '../peers/redis-connection.ts';

const RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end";
const TTL_MS = 30_000;

/** Takes and releases a lock once. */
type Cycle = () => Promise<void>;

const plan = JSON.parse(process.argv[2] ?? '') as LockPlan;
const { server } = plan;
let cycles = 0;
const over = new AbortController();

async function redisLane(port: number, lane: number): Promise<Cycle> {
  const connection = await RedisConnection.open(port);
  return async () => {
    const [lock, secret] = [`lane-${lane}`, `secret-${lane}-${cycles}`];
    const taken = await connection.send('SET', lock, secret, 'NX', 'PX', String(TTL_MS));
    const released = await connection.send('EVAL', RELEASE, '1', lock, secret);
    if (taken === null || released === '0') throw new Error('a lock of its own was not given');
  };
}

async function daemonLane(at: Extract<LockPlan['server'], { kind: 'daemon' }>, lane: number): Promise<Cycle> {
  const { hostname, port, host } = new URL(at.url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  const common = `HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${at.token}\r\n`;
  const body = JSON.stringify({ scope: at.scope, ttl_seconds: TTL_MS / 1000 });
  const typed = `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const acquire = `POST /v1/locks/lane-${lane} ${common}${typed}`;
  return async () => {
    const { lease } = JSON.parse(await ask(socket, acquire)) as { readonly lease: string };
    await ask(socket, `DELETE /v1/leases/${lease} ${common}\r\n`);
  };
}

/** Sends a request and gives the body of the answer, which is small. */
async function ask(socket: Socket, request: string): Promise<string> {
  socket.write(request, 'latin1');
  let answer = '';
  for (;;) {
    const [part] = (await once(socket, 'data')) as [Buffer];
    answer += part.toString('latin1');
    const headEnd = answer.indexOf('\r\n\r\n');
    if (headEnd === -1) continue;
    if (!answer.startsWith('HTTP/1.1 2')) throw new Error(answer);
    const bytes = Number(/content-length: (\d+)/i.exec(answer)?.[1] ?? 0);
    if (answer.length >= headEnd + 4 + bytes) return answer.slice(headEnd + 4);
  }
}

async function runLane(lane: number): Promise<void> {
  const cycle = server.kind === 'redis' ? await redisLane(server.port, lane) : await daemonLane(server, lane);
  while (!over.signal.aborted) {
    await cycle();
    cycles += 1;
  }
}

const lanes = Promise.all(Array.from({ length: plan.lanes }, (_, lane) => runLane(lane)));
await Promise.race([sleep(plan.warmUpMs), lanes]);
const before = cycles;
const startedAtMs = performance.now();
await Promise.race([sleep(plan.measureMs), lanes]);
const counted = cycles - before;
const seconds = (performance.now() - startedAtMs) / 1000;
over.abort();
await lanes;
const result: LockResult = { cycles: counted, cyclesWithWarmUp: cycles, seconds };
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
