import { describe, expect, test } from 'vitest';

import { connect, connectRelay } from '@holdfast/client';

import { collect } from './collect.ts';
import { problem, scriptedServer, type Step } from './scripted-server.ts';

const record = (id: string): object => ({ collection: 'notes', id, version: 'v', doc: { id } });
const ids = async (records: AsyncIterable<{ readonly id: string }>): Promise<string[]> =>
  (await collect(records)).map(({ id }) => id);

/** Answers with lines. */
function lines(...values: readonly object[]): Step {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.end(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
  };
}

describe('streamed records', () => {
  test('come from as many answers as they need', async () => {
    await using server = await scriptedServer(
      lines(record('a'), record('b'), { end: true, count: 2, next: 'p2' }),
      lines(record('c'), { end: true, count: 1, next: null }),
    );
    await using relay = connectRelay({ url: server.url, token: 't' });
    expect(await ids(relay.stream({ collection: 'notes' }))).toEqual(['a', 'b', 'c']);
    expect(server.seen.map(({ url, body, headers }) => [url, body, headers.accept])).toEqual([
      ['/relay/query', '{"collection":"notes"}', 'application/x-ndjson'],
      ['/relay/query', '{"collection":"notes","after":"p2"}', 'application/x-ndjson'],
    ]);
  });

  test('are as many as the limit says', async () => {
    await using server = await scriptedServer(
      lines(record('a'), record('b'), { end: true, count: 2, next: 'p2' }),
      lines(record('c'), { end: true, count: 1, next: 'p3' }),
    );
    await using holdfast = connect({ url: server.url });
    expect(await ids(holdfast.collection('notes').stream({ limit: 3 }))).toEqual(['a', 'b', 'c']);
    expect(server.seen.map(({ url, body }) => [url, body])).toEqual([
      ['/v1/records/notes/query', '{"limit":3}'],
      ['/v1/records/notes/query', '{"limit":1,"after":"p2"}'],
    ]);
  });

  test.each([
    ['no end line', [record('a')]],
    ['lines missing', [record('a'), { end: true, count: 2, next: null }]],
  ])('of an answer with %s are an error after those that came', async (_what, values) => {
    await using server = await scriptedServer(lines(...values));
    await using relay = connectRelay({ url: server.url, token: 't' });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { id } of relay.stream()) seen.push(id);
    })();
    await expect(reading).rejects.toMatchObject({ name: 'HoldfastUnreachable', outcome: 'unknown' });
    expect(seen).toEqual(['a']);
  });

  test('are refused as a page is', async () => {
    await using server = await scriptedServer(problem(504, 'query-timeout'));
    await using relay = connectRelay({ url: server.url, token: 't' });
    await expect(ids(relay.stream())).rejects.toMatchObject({ code: 'query-timeout' });
    expect(server.seen).toHaveLength(1);
  });

  test('that are left early end the request', async () => {
    const gone = Promise.withResolvers<void>();
    await using server = await scriptedServer((response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.write(`${JSON.stringify(record('a'))}\n`);
      response.once('close', () => gone.resolve());
    });
    await using relay = connectRelay({ url: server.url, token: 't' });
    for await (const { id } of relay.stream()) {
      expect(id).toBe('a');
      break;
    }
    await gone.promise;
  });
});
