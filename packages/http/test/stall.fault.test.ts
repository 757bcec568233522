import { expect, test } from 'vitest';

import { start } from './service-under-test.ts';

const MIB = 1024 * 1024;
const LARGE = JSON.stringify(['x'.repeat(15 * MIB)]);
const config = { 'limits.requestSeconds': 1, 'stop.seconds': 3600 };

test('a client that leaves a large answer lying is cut off', async () => {
  await using under = await start({ config });
  using wire = await under.connect();
  wire.send(under.head('POST /both', 'content-type: application/json', `content-length: ${LARGE.length}`)).send(LARGE);
  await wire.until(/^HTTP\/1\.1 200/);
  wire.socket.pause();
  // A paused client learns of the end only by writing; these bytes mean nothing, and come too rarely to keep it open.
  const probes = setInterval(() => wire.send('\r\n'), 2500);
  await new Promise((resolve) => wire.socket.once('close', resolve));
  clearInterval(probes);
  expect(wire.received.length).toBeLessThan(LARGE.length);
});

test('a client that leaves answer lines lying is cut off, and its handler ends', async () => {
  await using under = await start({ config, logLevel: 'debug' });
  using wire = await under.connect();
  wire.send(under.head('POST /both', 'content-type: application/x-ndjson', 'transfer-encoding: chunked'));
  const line = `${'x'.repeat(MIB)}\n`;
  for (let lines = 0; lines < 15; lines += 1) wire.send(`${line.length.toString(16)}\r\n${line}\r\n`);
  await wire.until(/^HTTP\/1\.1 200/);
  wire.socket.pause();
  // Stopping waits for answers under way: it ends only if this one was given up.
  await under.service.stop();
  await expect.poll(() => under.logged.some(({ route }) => route === 'both')).toBe(true);
});

test('a client that takes a large answer slowly, but does, gets all of it', async () => {
  await using under = await start({ config });
  using wire = await under.connect();
  wire.send(under.head('POST /both', 'content-type: application/json', `content-length: ${LARGE.length}`)).send(LARGE);
  wire.socket.on('data', () => wire.socket.pause());
  const sips = setInterval(() => wire.socket.resume(), 10);
  await expect.poll(() => wire.received.endsWith('"]'), { timeout: 20_000 }).toBe(true);
  clearInterval(sips);
  expect(wire.received).toContain(`content-length: ${LARGE.length}`);
});
