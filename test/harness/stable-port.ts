import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

// Below what Linux (32768) and macOS (49152) give to outgoing connections: nobody takes it while a service is down.
const LEAST_PORT = 20_000;
const GREATEST_PORT = 32_000;

/** A free TCP port of 127.0.0.1 that stays free while nobody listens on it: for services that are stopped and come back. */
export async function stablePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LEAST_PORT, GREATEST_PORT);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
