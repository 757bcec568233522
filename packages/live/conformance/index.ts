/* oxlint-disable max-lines-per-function -- a group of tests is one call */
import { isHoldfastError } from '@holdfast/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { Address, Fanout, Interest, Listening } from '../src/index.ts';

/** A message of the suite: a text, and what it counts as. */
export interface Note {
  readonly text: string;
  readonly bytes: number;
}

/** A fan-out to be tried: four messages may wait for a listener, or 1,000 bytes. */
export interface FanoutUnderTest extends AsyncDisposable {
  readonly fanout: Fanout<Note>;
}

const at = (channel: string, resource = ''): Address => ({ resource, channel });
const note = (text: string, bytes = 1): Note => ({ text, bytes });
const interest = (pattern: string, more: Partial<Interest> = {}): Interest => ({
  resource: '',
  pattern,
  agent: 'ada',
  listeners: 1,
  ...more,
});

async function texts(listening: Listening<Note>): Promise<readonly string[]> {
  const taken: string[] = [];
  for await (const group of listening) for (const { text } of group) taken.push(text);
  return taken;
}

/** What every fan-out has to do. */
export function fanoutConformance(name: string, make: () => Promise<FanoutUnderTest>): void {
  describe(`${name} as a fan-out`, () => {
    let under: FanoutUnderTest;
    let leaving: AbortController;
    let fanout: Fanout<Note>;
    beforeEach(async () => {
      under = await make();
      leaving = new AbortController();
      ({ fanout } = under);
    });
    afterEach(() => under[Symbol.asyncDispose]());

    const listen = (pattern: string, more: Partial<Interest> & { owner?: string } = {}): Promise<Listening<Note>> => {
      const { owner = 'here', ...rest } = more;
      return fanout.listen(owner, [interest(pattern, rest)], leaving.signal);
    };
    /** Ends all listening, and gives what each had been handed. */
    const heard = async (...listenings: readonly Listening<Note>[]): Promise<readonly (readonly string[])[]> => {
      const all = listenings.map((listening) => texts(listening));
      await new Promise((resolve) => setImmediate(resolve));
      leaving.abort();
      return Promise.all(all);
    };

    it('hands a message to all who listen, in order, and says how many', async () => {
      const [first, second] = [await listen('news'), await listen('news', { listeners: 3 })];
      expect(await fanout.publish(at('news'), note('1'))).toBe(4);
      expect(await fanout.publish(at('news'), note('2'))).toBe(4);
      expect(await heard(first, second)).toEqual([
        ['1', '2'],
        ['1', '2'],
      ]);
    });

    it('keeps nothing for who listens later, and tells nobody of other channels', async () => {
      expect(await fanout.publish(at('news'), note('early'))).toBe(0);
      const listening = await listen('news');
      expect(await fanout.publish(at('old'), note('elsewhere'))).toBe(0);
      expect(await heard(listening)).toEqual([[]]);
    });

    it.each([
      ['*', ['a', 'a:b', '*'], []],
      ['a:*', ['a:', 'a:b', 'a:b:c'], ['a', 'b:a:', 'ba:']],
      ['*:z', [':z', 'a:z', 'z:z:z'], ['z', 'a:z:b']],
      ['a*b*c', ['abc', 'axbxc', 'abcbc', 'abbcc'], ['ab', 'acb', 'abcx', 'bc']],
      ['a*a', ['aa', 'aba', 'aaa'], ['a', 'ab']],
      ['**a**', ['a', 'bab'], ['b']],
      ['a.c', ['a.c'], ['abc']],
      ['a*ba*ba', ['ababa', 'a-ba-ba'], ['aba', 'abab']],
    ])('the pattern %s covers what it says', async (pattern, covered, others) => {
      const listening = await listen(pattern);
      for (const channel of covered)
        expect([channel, await fanout.publish(at(channel), note(channel))]).toEqual([channel, 1]);
      for (const channel of others)
        expect([channel, await fanout.publish(at(channel), note(channel))]).toEqual([channel, 0]);
      expect(await heard(listening)).toEqual([covered]);
    });

    it('a pattern made to be slow is matched like any other', async () => {
      await listen(`${'*a'.repeat(60)}*b`);
      let hits = 0;
      for (let times = 0; times < 1_000; times += 1) hits += await fanout.publish(at('a'.repeat(128)), note('x'));
      expect(hits).toBe(0);
    });

    it('of thousands of listeners, each to its own part of the names, the right one hears a message', async () => {
      const { signal } = leaving;
      for (let n = 0; n < 5_000; n += 1) await fanout.listen(`o-${n}`, [interest(`agent:${n}:*`)], signal);
      const [one, all] = [await listen('agent:77:*'), await listen('agent:*7:*')];
      expect(await fanout.publish(at('agent:77:x'), note('77'))).toBe(3);
      expect(await fanout.publish(at('agent:4999:x'), note('4999'))).toBe(1);
      expect(await fanout.publish(at('agent:5000:x'), note('5000'))).toBe(0);
      expect(await heard(one, all)).toEqual([['77'], ['77']]);
    });

    it('resources never meet', async () => {
      const [one, two] = [await listen('*', { resource: 'app:one' }), await listen('*')];
      expect(await fanout.publish(at('news', 'app:one'), note('1'))).toBe(1);
      expect(await fanout.publish(at('news', 'app:two'), note('2'))).toBe(0);
      expect(await fanout.publish(at('news'), note('3'))).toBe(1);
      expect(await heard(one, two)).toEqual([['1'], ['3']]);
    });

    it('a listener with many interests hears each message once, and one owner can be left out', async () => {
      const interests = [interest('news'), interest('n*', { agent: 'bob' }), interest('*', { listeners: 2 })];
      const many = await fanout.listen('there', interests, leaving.signal);
      const other = await listen('news');
      expect(await fanout.publish(at('news'), note('1'))).toBe(5);
      expect(await fanout.publish(at('news'), note('2'), 'there')).toBe(1);
      expect(await heard(many, other)).toEqual([['1'], ['1', '2']]);
    });

    it('interests change, and what stays misses nothing', async () => {
      const listening = await fanout.listen('here', [interest('a'), interest('b')], leaving.signal);
      await fanout.publish(at('a'), note('a1'));
      await listening.update([interest('b', { listeners: 0 }), interest('c'), interest('a', { listeners: 2 })]);
      expect(await fanout.publish(at('a'), note('a2'))).toBe(2);
      expect(await fanout.publish(at('b'), note('b1'))).toBe(0);
      expect(await fanout.publish(at('c'), note('c1'))).toBe(1);
      expect(await heard(listening)).toEqual([['a1', 'a2', 'c1']]);
    });

    it('who leaves is not counted, not present and given nothing any more', async () => {
      const listening = await listen('news');
      leaving.abort();
      expect(await fanout.publish(at('news'), note('late'))).toBe(0);
      await listening.update([interest('other')]);
      expect(await fanout.present('', '*')).toEqual([]);
      expect(await texts(listening)).toEqual([]);
      expect(await fanout.publish(at('other'), note('late'))).toBe(0);
    });

    it('a wait for messages ends when its listener leaves', async () => {
      const waiting = texts(await listen('news'));
      leaving.abort();
      expect(await waiting).toEqual([]);
    });

    it.each([
      ['many messages', 20, 1],
      ['large messages', 3, 600],
    ])('who takes too few of %s is ended with the reason, and others are not', async (_what, messages, bytes) => {
      const slow = await listen('flood');
      const quick = (await listen('*'))[Symbol.asyncIterator]();
      let count = 0;
      for (; count < messages; count += 1) {
        await fanout.publish(at('flood'), note(String(count), bytes));
        expect((await quick.next()).value).toMatchObject([{ text: String(count) }]);
      }
      const taken: string[] = [];
      const reading = (async () => {
        for await (const group of slow) for (const { text } of group) taken.push(text);
      })();
      await expect(reading).rejects.toSatisfy((error) => isHoldfastError(error, 'listener-too-slow'));
      expect(taken.length).toBeLessThanOrEqual(4);
      expect(taken).toEqual(taken.map((_text, index) => String(index)));
      expect(await fanout.publish(at('flood'), note('last'))).toBe(1);
      expect(await fanout.present('', 'flood')).toEqual([{ owner: 'here', agent: 'ada', listeners: 1 }]);
    });

    it('one message of any size may wait', async () => {
      const listening = await listen('news');
      await fanout.publish(at('news'), note('huge', 1_000_000));
      expect(await heard(listening)).toEqual([['huge']]);
    });

    it('tells who is present, added up by owner and agent, in order', async () => {
      await listen('agent:a', { owner: 'b-node' });
      await listen('agent:*', { owner: 'b-node', listeners: 2 });
      await listen('agent:a', { owner: 'a-node', agent: 'zoe' });
      await listen('other', { owner: 'a-node' });
      await listen('agent:a', { resource: 'app:one' });
      const everyone = [
        { owner: 'a-node', agent: 'ada', listeners: 1 },
        { owner: 'a-node', agent: 'zoe', listeners: 1 },
        { owner: 'b-node', agent: 'ada', listeners: 3 },
      ];
      expect(await fanout.present('', '*')).toEqual(everyone);
      expect(await fanout.present('', 'agent:*')).toEqual(everyone.slice(1));
      expect(await fanout.present('', 'agent:a')).toEqual(everyone.slice(1));
      expect(await fanout.present('', 'agent:b')).toEqual([{ owner: 'b-node', agent: 'ada', listeners: 2 }]);
      expect(await fanout.present('', 'nobody')).toEqual([]);
    });
  });
}
