import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createInterface } from 'node:readline';

import type { BatchLine, Operation } from '@holdfast/protocol';
import { describe, expect, test } from 'vitest';

import { connect } from '@holdfast/client';

import { problem, type RawHandler, rawServer, scriptedServer } from './scripted-server.ts';

const operation = (index: number): Operation => ({ op: 'put', collection: 'notes', id: `n-${index}`, doc: { index } });
const answer = (line: number): string => `${JSON.stringify({ id: `n-${line}`, version: 'v', seq: line, line })}\n`;
const end = (count: number, more: object = {}): string =>
  `${JSON.stringify({ end: true, count, written: count, ...more })}\n`;

/** Answers each line as it comes, and the end line at the end: what the daemon does, without storing. */
const obliging: RawHandler = (request, response) => void answerLines(request, response);

async function answerLines(request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  let line = 0;
  for await (const text of createInterface({ input: request })) {
    JSON.parse(text);
    line += 1;
    if (!response.write(answer(line))) await once(response, 'drain');
  }
  response.end(end(line));
}

function* many(count: number): Generator<Operation> {
  for (let index = 1; index <= count; index += 1) yield operation(index);
}

describe('a stream of operations', () => {
  test('every operation is sent and every answer handed out in order', async () => {
    await using server = await rawServer(obliging);
    await using holdfast = connect({ url: server.url });
    const lines: number[] = [];
    const result = await holdfast.stream(many(20_000), { onAnswer: ({ line }) => void lines.push(line) });
    expect(result).toEqual({ end: true, count: 20_000, written: 20_000 });
    expect(lines).toEqual(Array.from({ length: 20_000 }, (_, index) => index + 1));
  });

  test('an operation goes out, and its answer comes, before the next one is there', async () => {
    await using server = await rawServer(obliging);
    await using holdfast = connect({ url: server.url });
    const answers: BatchLine[] = [];
    let arrival = Promise.withResolvers<void>();
    async function* conversation(): AsyncGenerator<Operation> {
      for (let index = 1; index <= 3; index += 1) {
        arrival = Promise.withResolvers<void>();
        yield operation(index);
        await arrival.promise;
      }
    }
    const onAnswer = (line: BatchLine): void => {
      answers.push(line);
      arrival.resolve();
    };
    expect(await holdfast.stream(conversation(), { onAnswer })).toMatchObject({ count: 3 });
    expect(answers).toHaveLength(3);
  });

  test('operations are asked for no faster than the service reads', async () => {
    const patience = Promise.withResolvers<void>();
    let taken = 0;
    function* counted(): Generator<Operation> {
      for (const next of many(20_000)) {
        taken += 1;
        yield { ...next, op: 'put', doc: 'x'.repeat(1_000) };
      }
    }
    await using server = await rawServer((request, response) => {
      void patience.promise.then(() => answerLines(request, response));
    });
    await using holdfast = connect({ url: server.url });
    const result = holdfast.stream(counted());
    await settled(() => taken);
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(10_000);
    patience.resolve();
    expect(await result).toMatchObject({ count: 20_000 });
  });

  test('answers are not read while onAnswer is at work', async () => {
    await using server = await rawServer(obliging);
    await using holdfast = connect({ url: server.url });
    let running = 0;
    const onAnswer = async (): Promise<void> => {
      running += 1;
      expect(running).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    };
    expect(await holdfast.stream(many(50), { onAnswer })).toMatchObject({ count: 50 });
  });

  test('no operations at all give an end line of nothing', async () => {
    await using server = await rawServer(obliging);
    await using holdfast = connect({ url: server.url });
    expect(await holdfast.stream([])).toEqual({ end: true, count: 0, written: 0 });
  });

  test('an end line that says where the service stopped is an answer; the source is let go', async () => {
    let cleanedUp = false;
    async function* endless(): AsyncGenerator<Operation> {
      try {
        for (let index = 1; ; index += 1) yield operation(index);
      } finally {
        cleanedUp = true;
      }
    }
    const stopped = answer(1) + end(1, { stoppedAt: 2, error: { code: 'bad-json', detail: 'D' } });
    await using server = await rawServer((request, response) => {
      request.once('data', () => response.end(stopped));
    });
    await using holdfast = connect({ url: server.url });
    expect(await holdfast.stream(endless())).toMatchObject({ count: 1, stoppedAt: 2 });
    await waitFor(() => cleanedUp);
  });
});

describe('a stream that goes wrong', () => {
  const cases: readonly [string, string, RegExp][] = [
    ['without its end line', answer(1) + answer(2), /cut after 2 lines/],
    ['in the middle of the end line', answer(1) + end(1).slice(0, 12), /cut after 1 lines/],
    ['with an end line that counts more', answer(1) + end(2), /1 of 2 answers/],
    ['before all operations were answered', answer(1) + end(1), /before the operations did/],
  ];
  test.each(cases)('an answer that ends %s is a failure', async (_name, text, message) => {
    const short: RawHandler = (request, response) => void request.resume().on('end', () => response.end(text));
    await using server = await rawServer(short);
    await using holdfast = connect({ url: server.url });
    const failure = { name: 'HoldfastUnreachable', outcome: 'unknown', message: expect.stringMatching(message) };
    await expect(holdfast.stream(many(2))).rejects.toMatchObject(failure);
  });

  test('a connection cut half way is a failure, after the answers that came', async () => {
    await using server = await rawServer((request, response) => {
      request.once('data', () => response.write(answer(1), () => setImmediate(() => response.destroy())));
    });
    await using holdfast = connect({ url: server.url });
    await expect(holdfast.stream(many(100_000))).rejects.toMatchObject({ name: 'HoldfastUnreachable' });
  });

  test('a refusal is told as the problem it is', async () => {
    await using server = await scriptedServer(problem(401, 'unauthenticated'));
    await using holdfast = connect({ url: server.url });
    await expect(holdfast.stream(many(3))).rejects.toMatchObject({ code: 'unauthenticated', status: 401 });
  });

  test('what the operations throw is thrown, and the request does not end as if it were whole', async () => {
    const arrived = Promise.withResolvers<void>();
    const wasCut = Promise.withResolvers<boolean>();
    const watches: RawHandler = (request) => {
      request.once('data', () => arrived.resolve());
      request.on('error', () => undefined);
      request.on('close', () => wasCut.resolve(!request.complete));
    };
    async function* failing(): AsyncGenerator<Operation> {
      yield operation(1);
      await arrived.promise;
      throw new Error('the file ended in the middle');
    }
    await using server = await rawServer(watches);
    await using holdfast = connect({ url: server.url });
    await expect(holdfast.stream(failing())).rejects.toThrow('the file ended in the middle');
    expect(await wasCut.promise).toBe(true);
  });

  test('what onAnswer throws is thrown', async () => {
    await using server = await rawServer((request, response) => {
      request.on('error', () => undefined);
      request.once('data', () => response.write(answer(1)));
    });
    await using holdfast = connect({ url: server.url });
    const refusal = new Error('cannot take it');
    const onAnswer = (): never => {
      throw refusal;
    };
    await expect(holdfast.stream(many(1), { onAnswer })).rejects.toBe(refusal);
  });

  test('a service that owes an answer and stays silent is given up', async () => {
    await using server = await rawServer((request) => void request.resume());
    await using holdfast = connect({ url: server.url, timeoutMs: 40 });
    await expect(holdfast.stream(many(1))).rejects.toMatchObject({
      outcome: 'unknown',
      message: 'no answer for 40 ms',
    });
  });

  test('the time onAnswer takes does not count as silence, though further answers are owed', async () => {
    const taken = Promise.withResolvers<void>();
    await using server = await rawServer((request, response) => {
      request.resume().on('end', () => {
        response.write(answer(1));
        void taken.promise.then(() => response.end(answer(2) + end(2)));
      });
    });
    await using holdfast = connect({ url: server.url, timeoutMs: 40 });
    const onAnswer = async ({ line }: BatchLine): Promise<void> => {
      if (line === 1) await new Promise((resolve) => setTimeout(resolve, 150));
      taken.resolve();
    };
    expect(await holdfast.stream(many(2), { onAnswer })).toMatchObject({ count: 2 });
  });

  test('a source that pauses longer than the time limit is waited for when nothing is owed', async () => {
    await using server = await rawServer(obliging);
    await using holdfast = connect({ url: server.url, timeoutMs: 40 });
    expect(await holdfast.stream(pausing(150))).toMatchObject({ count: 2 });
  });
});

async function* pausing(ms: number): AsyncGenerator<Operation> {
  yield operation(1);
  await new Promise((resolve) => setTimeout(resolve, ms));
  yield operation(2);
}

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits until a count has not moved for a while: there is no event for "nothing happens any more". */
async function settled(count: () => number): Promise<void> {
  let last = -1;
  while (count() !== last) {
    last = count();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
