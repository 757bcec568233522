import { connect, type Holdfast } from '@holdfast/client';
import { describe, expect, test } from 'vitest';

import { type AgentNode, startAgentNode } from '../harness/agent-node.ts';
import { typeIt } from '../harness/typed-page.ts';

/** Something to compute that ends when the test says so. */
function slowly<T>(): {
  readonly compute: () => Promise<T>;
  readonly end: (value: T) => void;
  readonly calls: () => number;
} {
  const { promise, resolve } = Promise.withResolvers<T>();
  let calls = 0;
  const compute = (): Promise<T> => {
    calls += 1;
    return promise;
  };
  return { compute, end: resolve, calls: () => calls };
}

async function withNode(work: (holdfast: Holdfast, node: AgentNode) => Promise<void>): Promise<void> {
  await using node = await startAgentNode(['ada']);
  await using holdfast = connect({ url: node.url, token: node.tokenOf('ada') });
  await work(holdfast, node);
}

describe('the client', () => {
  test('caches any JSON, and tells null from nothing', () =>
    withNode(async ({ cache }) => {
      expect(await cache.get('a/b c')).toBeUndefined();
      await cache.put('a/b c', null, { class: 'metrics', ttl: 60, tags: ['x', 'y'], collections: ['notes'] });
      expect(await cache.get('a/b c')).toBeNull();
      await cache.invalidate({ tag: 'y' });
      expect(await cache.get('a/b c')).toBeUndefined();
      await cache.put('k', { n: 1 });
      await cache.delete('k');
      await cache.delete('k');
      expect(await cache.get('k', { class: 'query' })).toBeUndefined();
      expect(await cache.figures()).toMatchObject({ metrics: { memory_hits: 1 }, query: { misses: 1 } });
    }));

  test('has 100 who remember the same value at once compute it once, from two connections', () =>
    withNode(async ({ cache }, node) => {
      await using other = connect({ url: node.url, token: node.tokenOf('ada') });
      const { compute, end, calls } = slowly<{ n: number }>();
      const asked = Array.from({ length: 100 }, (_, index) =>
        (index % 2 === 0 ? cache : other.cache).remember('k', compute, { class: 'query', seconds: 60 }),
      );
      await expect.poll(calls).toBe(1);
      end({ n: 1 });
      expect(new Set((await Promise.all(asked)).map(({ n }) => n))).toEqual(new Set([1]));
      expect(calls()).toBe(1);
      expect(await cache.remember('k', () => ({ n: 2 }))).toEqual({ n: 1 });
    }));

  test('throws what computing throws, and the next who waits computes', () =>
    withNode(async ({ cache }) => {
      const failing = Promise.withResolvers<never>();
      const first = cache.remember('k', () => failing.promise, { seconds: 60 });
      const isBegun = async (): Promise<boolean> => (await cache.figures()).default.misses === 1;
      await expect.poll(isBegun).toBe(true);
      const second = cache.remember('k', () => 'second', { seconds: 60 });
      failing.reject(new Error('no answer'));
      await expect(first).rejects.toThrow('no answer');
      expect(await second).toBe('second');
      expect(await cache.get('k')).toBe('second');
    }));

  test('returns what was computed before a write, and does not keep it', () =>
    withNode(async (holdfast) => {
      const { cache } = holdfast;
      const compute = async (): Promise<string> => {
        await holdfast.collection('notes').put('a', { n: 1 });
        return 'old';
      };
      expect(await cache.remember('k', compute, { collections: ['notes'] })).toBe('old');
      expect(await cache.get('k')).toBeUndefined();
      expect(await cache.remember('k', () => 'new', { collections: ['notes'] })).toBe('new');
      expect(await cache.get('k')).toBe('new');
    }));

  test('computes for itself when it has waited long enough', () =>
    withNode(async ({ cache }) => {
      const { compute, end } = slowly<string>();
      const slow = cache.remember('k', compute, { seconds: 60 });
      const isBegun = async (): Promise<boolean> => (await cache.figures()).default.misses === 1;
      await expect.poll(isBegun).toBe(true);
      expect(await cache.remember('k', () => 'mine', { seconds: 1 })).toBe('mine');
      end('slow');
      expect(await slow).toBe('slow');
      expect(await cache.get('k')).toBe('slow');
    }));
});

test('holdfast cache answers programs with JSON, and says what was wrong', () =>
  withNode(async ({ cache }, node) => {
    const options = { cwd: node.home.path, environment: node.environmentOf(node.tokenOf('ada')) };
    const say = async (command: string): Promise<string[]> =>
      (await typeIt({ command: `holdfast cache ${command} || echo $?`, answer: undefined }, options))
        .trim()
        .split('\n');
    expect(await say(`put k '[1]' --ttl 60 --tags a,b --json`)).toEqual(['{"key":"k"}']);
    expect(await say('get k --json')).toEqual(['{"value":[1]}']);
    expect(await say('invalidate --tag b --json')).toEqual(['{"tag":"b"}']);
    expect(await say('get k --json')).toEqual(['{}', '1']);
    await cache.put('k', 1);
    expect(await say('delete k --json')).toEqual(['{"key":"k"}']);
    const [figures = ''] = await say('figures --json');
    expect(JSON.parse(figures)).toMatchObject({ classes: { default: { memory_hits: 1, misses: 1 } } });
    expect((await say('invalidate')).at(-1)).toBe('2');
    expect((await say('put k 1 --class none')).at(-1)).toBe('2');
  }));
