import { type ErrorCode, isHoldfastError } from '@holdfast/protocol';
import { describe, expect, test } from 'vitest';

import { MemorySwitchboard, type SwitchboardBounds } from '../src/service/memory-switchboard.ts';
import type { RoutedCall } from '../src/service/switchboard.ts';

const ROOM: SwitchboardBounds = { callsOfNode: 100, calls: 100, bytes: 10_000, graceMs: 60_000 };
const forEver = new AbortController().signal;

function callTo(node: string, from = 'worker', bytes = 10): RoutedCall {
  return {
    from: { node: from, agent: 'ada', resource: '' },
    to: { node, boot: `${node}-boot`, lastContactMs: null },
    call: 'echo',
    body: from,
    bytes,
    timeoutMs: 60_000,
  };
}

async function listening(bounds: Partial<SwitchboardBounds>, nodes: readonly string[]): Promise<MemorySwitchboard> {
  const board = new MemorySwitchboard({ ...ROOM, ...bounds });
  for (const node of nodes) await board.next({ node, boot: `${node}-boot` }, 0, forEver);
  return board;
}

async function codeOf(asking: Promise<unknown>): Promise<ErrorCode | 'none'> {
  return asking.then(
    () => 'none' as const,
    (error: unknown) => {
      if (isHoldfastError(error)) return error.code;
      throw error;
    },
  );
}

describe('the switchboard', () => {
  test.each([
    ['calls to one node', { callsOfNode: 2 }, callTo('a', 'third'), callTo('b', 'third')],
    ['calls of one node', { callsOfNode: 2 }, callTo('b', 'worker'), callTo('b', 'third')],
    ['calls', { calls: 2 }, callTo('b', 'third'), undefined],
    ['bytes', { bytes: 25 }, callTo('b', 'third'), callTo('b', 'third', 5)],
  ])('refuses more than so many %s, and takes more when there are fewer', async (_what, bounds, tooMany, fits) => {
    const board = await listening(bounds, ['a', 'b']);
    const leaving = new AbortController();
    const first = codeOf(board.ask(callTo('a'), leaving.signal));
    const second = codeOf(board.ask(callTo('a'), forEver));
    expect(await codeOf(board.ask(tooMany, forEver))).toBe('too-many-requests');
    const others = fits === undefined ? [] : [codeOf(board.ask(fits, forEver))];
    expect(board.underWay).toBe(2 + others.length);
    leaving.abort();
    expect(await first).toBe('call-unanswered');
    if (fits === undefined) others.push(codeOf(board.ask(tooMany, forEver)));
    expect(board.underWay).toBe(2);
    board.stop();
    expect(await Promise.all([second, ...others])).toEqual(['shutting-down', 'shutting-down']);
    expect([board.underWay, board.listening]).toEqual([0, 0]);
  });

  test('gives every one of many calls at once to its node, in order, and each answer to whoever asked', async () => {
    const board = await listening({}, []);
    const listener = { node: 'a', boot: 'a-boot' };
    const waiting = board.next(listener, 60_000, forEver);
    const asking = Array.from({ length: 90 }, (_, at) => board.ask(callTo('a', `n-${at}`), forEver));
    const calls = [...(await waiting)];
    while (calls.length < 90) calls.push(...(await board.next(listener, 60_000, forEver)));
    expect(calls.map(({ body }) => body)).toEqual(Array.from({ length: 90 }, (_, at) => `n-${at}`));
    for (const { id, body } of calls.toReversed()) await board.answer(listener, id, { answer: body });
    const answers = await Promise.all(asking);
    expect(answers).toEqual(calls.map(({ body }) => ({ answer: body })));
  });

  test('gives nobody a call that has just ended, and counts no answer to one as delivered', async () => {
    const board = await listening({}, ['a']);
    const listener = { node: 'a', boot: 'a-boot' };
    const leaving = new AbortController();
    const asking = [codeOf(board.ask(callTo('a'), leaving.signal)), codeOf(board.ask(callTo('a'), forEver))];
    leaving.abort();
    const calls = await board.next(listener, 0, forEver);
    expect(calls).toHaveLength(1);
    board.stop();
    await expect(board.answer(listener, calls[0]?.id ?? '', { answer: 1 })).resolves.toBe(false);
    expect(await Promise.all(asking)).toEqual(['call-unanswered', 'call-unanswered']);
  });

  test('does not count on a node whose wait was cut off, nor on one that does not come back for more', async () => {
    const board = new MemorySwitchboard({ ...ROOM, graceMs: 1 });
    const cut = new AbortController();
    const waiting = board.next({ node: 'a', boot: 'a-boot' }, 60_000, cut.signal);
    cut.abort();
    expect(await waiting).toEqual([]);
    expect(await codeOf(board.ask(callTo('a'), forEver))).toBe('node-unreachable');
    await board.next({ node: 'a', boot: 'a-boot' }, 0, forEver);
    expect(await codeOf(board.ask(callTo('a'), forEver))).toBe('node-unreachable');
    expect(board.listening).toBe(0);
  });

  test('holds a thousand nodes that wait, and ends them together', async () => {
    const board = new MemorySwitchboard();
    const waits = Array.from({ length: 1000 }, (_, at) =>
      codeOf(board.next({ node: `n-${at}`, boot: 'b' }, 60_000, new AbortController().signal)),
    );
    expect(board.listening).toBe(1000);
    board.stop();
    expect(new Set(await Promise.all(waits))).toEqual(new Set(['shutting-down']));
    expect(await codeOf(board.next({ node: 'n', boot: 'b' }, 0, forEver))).toBe('shutting-down');
  });
});
