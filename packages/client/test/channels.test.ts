import type { ServerResponse } from 'node:http';

import { connect, type Holdfast } from '@holdfast/client';
import { describe, expect, test } from 'vitest';

import { Told } from '../src/told.ts';
import { lostAnswer, type ScriptedServer, scriptedServer, type Step } from './scripted-server.ts';

const connected = (server: ScriptedServer): Holdfast =>
  connect({ url: server.url, token: 't', sleep: () => Promise.resolve(), random: () => 0.5 });

const sent: Step = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end('{"id":"m-1","listeners":0,"reach":"node"}');
};

/** An event stream of the messages with these numbers. */
function stream(numbers: readonly number[], then: (response: ServerResponse) => void = () => {}): Step {
  const from = { node: null, agent: 'ada' };
  const frames = numbers.map((value) => {
    const data = JSON.stringify({ id: `m-${value}`, channel: 'news', from, value });
    return `id: place-${value}\ndata: ${data}\n\n`;
  });
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`retry: 1000\n\n${frames.join('')}`, () => then(response));
  };
}

const cut = (response: ServerResponse): void => void response.destroy();

describe('publishing', () => {
  test('durably is tried again under one key, and live is not once it may have been published', async () => {
    await using server = await scriptedServer(lostAnswer(), sent, lostAnswer());
    const { channels } = connected(server);
    expect(await channels.publish('news', { n: 1 }, { durable: true, ttl: 60 })).toMatchObject({ id: 'm-1' });
    const keys = server.seen.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toEqual([expect.stringMatching(/./), keys[0]]);
    expect(new URL(server.seen[0]!.url, server.url).searchParams.toString()).toBe('ttl=60&durable=true');
    await expect(channels.publish('news', { n: 2 })).rejects.toMatchObject({ name: 'HoldfastUnreachable' });
    expect(server.seen[2]).toMatchObject({ url: '/v1/channels/news' });
    expect(server.seen).toHaveLength(3);
  });

  test('under a key of the caller’s own', async () => {
    await using server = await scriptedServer(sent);
    await connected(server).channels.publish('news', 1, { durable: true, idempotencyKey: 'mine' });
    expect(server.seen).toMatchObject([{ headers: { 'idempotency-key': 'mine' } }]);
  });
});

describe('listening durably', () => {
  test('goes on from its place after a cut, and gives no message twice, also one that was moved', async () => {
    await using server = await scriptedServer(stream([1, 2], cut), stream([2, 1, 3], cut), stream([4]));
    const heard: unknown[] = [];
    const options = { durable: true, from: 'now', after: 'place-0' } as const;
    for await (const { value, place } of connected(server).channels.listen('ne*', options)) {
      heard.push([value, place]);
      if (value === 4) break;
    }
    expect(heard).toEqual([1, 2, 3, 4].map((value) => [value, `place-${value}`]));
    expect(server.seen[0]).toMatchObject({ url: '/v1/channels/ne*?durable=true&from=now' });
    expect(server.seen.map(({ headers }) => headers['last-event-id'])).toEqual(['place-0', 'place-2', 'place-3']);
  });
});

test('what was told is known of as many things as are to be remembered, those told last', () => {
  const told = new Told(2);
  expect([told.isNew('a', '1'), told.isNew('a', '1'), told.isNew('a', '2')]).toEqual([true, false, true]);
  expect(told.isNew('b')).toBe(true);
  expect(told.isNew('a', '3')).toBe(true);
  expect(told.isNew('c')).toBe(true);
  expect([told.isNew('a', '3'), told.isNew('b')]).toEqual([false, true]);
});
