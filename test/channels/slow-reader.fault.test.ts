import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { eventually, temporaryDirectory } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { Ear } from './ear.ts';
import { LiveNode } from './live-node.ts';

const CROWD = 500;

async function listenOn(node: LiveNode, token: string, channel: string): Promise<Socket> {
  const { host, hostname, port } = new URL(node.url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const lines = [`GET /v1/channels/${channel} HTTP/1.1`, `host: ${host}`, `authorization: Bearer ${token}`, '', ''];
  socket.write(lines.join('\r\n'));
  await once(socket, 'data');
  return socket;
}

test('a listener that takes nothing is ended with the reason, and costs the others nothing', async () => {
  await using home = await temporaryDirectory();
  await using node = await LiveNode.start(home.file('node'));
  const ada = await node.agent('ada');
  const { token } = await node.admin.agents.token('ada');
  await using quick = await Ear.open(ada, 'flood');
  const slow = await listenOn(node, token, 'flood');
  slow.pause();
  const isSlowThere = async (): Promise<boolean> =>
    ((await ada.channels.present('flood')).present[0]?.listeners ?? 0) === 2;
  const value = 'x'.repeat(60_000);
  let published = 0;
  for (; published < 2_000 && (await isSlowThere()); published += 10) {
    await Promise.all(Array.from({ length: 10 }, () => ada.channels.publish('flood', value)));
  }
  expect(await isSlowThere()).toBe(false);
  expect(await quick.values(published)).toHaveLength(published);
  let end = '';
  slow.setEncoding('latin1').on('data', (part: string) => (end = (end + part).slice(-2_000)));
  slow.resume();
  await eventually(() => expect(end).toMatch(/event: end\ndata: .*"code":"listener-too-slow"/), { limitMs: 20_000 });
  slow.destroy();
  expect(await ada.channels.publish('flood', 'after')).toMatchObject({ listeners: 1 });
  expect((await quick.values(published + 1)).at(-1)).toBe('after');
});

test('a durable listener that takes nothing for a while is not ended, and hears everything once it reads', async () => {
  await using home = await temporaryDirectory();
  await using node = await LiveNode.start(home.file('node'));
  const ada = await node.agent('ada');
  const { token } = await node.admin.agents.token('ada');
  const slow = await listenOn(node, token, 'flood?durable=true');
  slow.pause();
  const count = 120;
  const value = 'x'.repeat(60_000);
  for (let n = 0; n < count; n += 1) await ada.channels.publish('flood', { n, value }, { durable: true });
  // More waits than a live listener may leave, and than a connection holds.
  expect(slow.bytesRead).toBeLessThan((count * value.length) / 2);
  const numbers: number[] = [];
  let rest = '';
  slow.setEncoding('latin1').on('data', (part: string) => {
    rest += part;
    const found = [...rest.matchAll(/"n":(\d+),/g)];
    numbers.push(...found.map(([, n]) => Number(n)));
    rest = rest.slice(Math.max(rest.length - 20, (found.at(-1)?.index ?? 0) + 5));
  });
  slow.resume();
  await eventually(() => expect(numbers.at(-1)).toBe(count - 1), { limitMs: 20_000 });
  expect(numbers).toEqual(Array.from({ length: count }, (_, n) => n));
  slow.destroy();
});

test(`${CROWD} idle listeners hold nothing up, and stopping does not wait for them`, async () => {
  await using home = await temporaryDirectory();
  const config = { 'limits.connections': CROWD + 100, 'limits.eventStreams': CROWD + 1 };
  const node = await LiveNode.start(home.file('node'), { config });
  const ada = await node.agent('ada');
  const { token } = await node.admin.agents.token('ada');
  const crowd = await Promise.all(Array.from({ length: CROWD }, (_, n) => listenOn(node, token, `idle:${n}`)));
  const ends = crowd.map((socket) => once(socket.resume(), 'close'));
  const ear = await Ear.open(ada, 'news');
  const oneTooMany = node.client(token).channels.listen('news')[Symbol.asyncIterator]();
  await expect(oneTooMany.next()).rejects.toMatchObject({ code: 'too-many-listeners' });
  await ada.channels.publish('news', 1);
  expect(await ear.values(1)).toEqual([1]);
  expect((await ada.channels.present('idle:*')).present).toEqual([{ node: null, agent: 'ada', listeners: CROWD }]);
  await ear.close();
  await node.stop();
  expect(await Promise.all(ends)).toHaveLength(CROWD);
});
