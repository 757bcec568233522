import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';

import { connect, HoldfastProblem } from '@holdfast/client';
import { temporaryDirectory } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { Service } from '../harness/service.ts';
import { stablePort } from '../harness/stable-port.ts';

/** What a daemon needs to start and a few agents, and not much more. */
const HANDLES = 64;
const AGENTS = ['ada', 'ben', 'cyd'];
const SOON_MS = 30_000;
const LIMIT_MS = 60_000;

test(
  'a daemon out of file handles refuses what it cannot do, stays alive, marks nothing as damaged, and goes on by itself',
  async () => {
    await using stack = new AsyncDisposableStack();
    const home = stack.use(await temporaryDirectory());
    const service = stack.use(new Service({ kind: 'node', name: 'node', home, port: await stablePort() }));
    await service.start(['prlimit', `--nofile=${HANDLES}`]);
    const admin = stack.use(connect({ url: service.url, token: service.adminToken, retries: 0 }));
    for (const agent of AGENTS) await admin.agents.create(agent);
    await writeAs(service, 'ada', 'before');

    const crowd = await fillWithConnections(service);
    // Over the connection that is there already; a refusal may close it, so what goes on comes first.
    expect(await writeAs(service, 'ada', 'during')).toBe('done');
    expect(await writeAs(service, 'ben', 'during')).toBe('storage-failed');
    for (const socket of crowd) socket.destroy();

    await expect.poll(() => writeAs(service, 'cyd', 'after'), { timeout: SOON_MS }).toBe('done');
    expect(await writeAs(service, 'ben', 'after')).toBe('done');
    const { agents } = await admin.node.status();
    expect(agents.map(({ state, error }) => [state, error])).toEqual(AGENTS.map(() => ['ok', null]));
    expect(service.isRunning).toBe(true);
  },
  LIMIT_MS,
);

async function writeAs(service: Service, agent: string, id: string): Promise<string> {
  await using client = connect({ url: service.url, token: service.adminToken, agent, retries: 0 });
  try {
    await client.collection('notes').put(id, {});
    return 'done';
  } catch (error) {
    return error instanceof HoldfastProblem ? error.code : String(error);
  }
}

/** Opens connections until the daemon takes no more of them. */
async function fillWithConnections(service: Service): Promise<readonly Socket[]> {
  const { hostname, port } = new URL(service.url);
  const sockets: Socket[] = [];
  for (let isTaken = true; isTaken && sockets.length < 2 * HANDLES;) {
    const socket = connectSocket({ host: hostname, port: Number(port) });
    socket.on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect').catch(() => undefined);
    socket.write(`GET /livez HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`);
    isTaken = await Promise.race([
      once(socket, 'data').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false);
  }
  expect(sockets.length).toBeLessThan(2 * HANDLES);
  return sockets;
}
