/* oxlint-disable max-lines-per-function -- a group of tests is one call */
import { describe, expect, it } from 'vitest';

import type { TokenEntry } from '../src/index.ts';
import { enrol, useStore } from './enrolled.ts';
import type { MakeStore } from './store-under-test.ts';
import { BOOT, cursorAt, LEASE_MS, makeBatch, makeChange, makeTokenEntry, START_MS } from './material.ts';

/** Tokens, and how a node comes by its own. */
export function joiningCases(make: MakeStore): void {
  describe('joining', () => {
    const open = useStore(make);
    const invite = async (number: number, node: string, parts: Partial<TokenEntry> = {}) => {
      const token = makeTokenEntry(number, { role: 'join', name: node, expiresAtMs: START_MS + 1000, ...parts });
      await open().store.addToken(token);
      return token.id;
    };

    it('a token is found by its id, also after a restart', async () => {
      const token = makeTokenEntry(1, { role: 'operator', name: 'ada' });
      await open().store.addToken(token);
      await open().reopen();
      await expect(open().store.findToken(token.id)).resolves.toEqual(token);
      await expect(open().store.findToken('f'.repeat(12))).resolves.toBeUndefined();
    });

    it('a node joins and its credential is kept', async () => {
      const { store } = open();
      await store.join(await invite(1, 'den'), credential(2, 'den'));
      await expect(store.findToken(credential(2, 'den').id)).resolves.toEqual(credential(2, 'den'));
      expect((await store.nodes()).map(({ node }) => node)).toEqual(['den', 'htpc', 'laptop']);
    });

    it('a join token holds once, for its node, until it expires', async () => {
      const { store } = open();
      const refused = { code: 'join-token-refused' };
      const id = await invite(1, 'den');
      await expect(store.join(id, credential(2, 'attic'))).rejects.toMatchObject(refused);
      await expect(store.join(id, credential(2, 'den', START_MS + 1000))).rejects.toMatchObject(refused);
      await expect(store.join('f'.repeat(12), credential(2, 'den'))).rejects.toMatchObject(refused);
      await store.join(id, credential(2, 'den', START_MS + 999));
      await expect(store.join(id, credential(3, 'den'))).rejects.toMatchObject(refused);
    });

    it('no other token is a join token', async () => {
      const { store } = open();
      const token = makeTokenEntry(1, { role: 'admin', name: 'den', expiresAtMs: START_MS + 1000 });
      await store.addToken(token);
      await expect(store.join(token.id, credential(2, 'den'))).rejects.toMatchObject({ code: 'join-token-refused' });
    });

    it('of a hundred joins at once with one token exactly one succeeds', async () => {
      const { store } = open();
      const id = await invite(1, 'den');
      const results = await Promise.allSettled(
        Array.from({ length: 100 }, (_, index) => store.join(id, credential(100 + index, 'den'))),
      );
      const winners = results.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
      expect(winners).toHaveLength(1);
      const kept = await Promise.all(results.map((_, index) => store.findToken(credential(100 + index, 'den').id)));
      expect(kept.flatMap((token, index) => (token === undefined ? [] : [index]))).toEqual(winners);
    });

    it('two invitations of one name enrol one node', async () => {
      const { store } = open();
      const [first, second] = [await invite(1, 'den'), await invite(2, 'den')];
      await store.join(first, credential(3, 'den'));
      await expect(store.join(second, credential(4, 'den'))).rejects.toMatchObject({ code: 'node-exists' });
      await expect(invite(5, 'den')).rejects.toMatchObject({ code: 'node-exists' });
    });

    it('a token that replaces puts another machine in the place of the node', async () => {
      const { store } = open();
      const speaker = { node: 'htpc', nowMs: START_MS, silentBeforeMs: START_MS - LEASE_MS, predecessors: [] };
      await store.takeBatch(makeBatch([makeChange({ seq: 1, doc: 1 })]));
      const id = await invite(1, 'htpc', { replaces: true });
      await expect(store.findToken(id)).resolves.toMatchObject({ replaces: true });
      await store.join(id, credential(2, 'htpc'));
      await expect(store.findToken(makeTokenEntry(0x11).id)).resolves.toBeUndefined();
      await expect(store.findToken(makeTokenEntry(0x21).id)).resolves.toMatchObject({ name: 'laptop' });
      await expect(store.openSession({ ...speaker, boot: BOOT })).rejects.toMatchObject({ code: 'node-cloned' });
      const late = makeBatch([makeChange({ seq: 2, doc: 2 })]);
      await expect(store.takeBatch(late)).rejects.toMatchObject({ code: 'node-cloned' });
      const streams = await store.openSession({ ...speaker, boot: '9'.repeat(32) });
      expect(streams).toMatchObject([{ agent: 'recruiter', cursor: cursorAt(1) }]);
      await expect(store.join(id, credential(3, 'htpc'))).rejects.toMatchObject({ code: 'join-token-refused' });
    });

    it('a join that was cut off is made good with another token that replaces', async () => {
      const { store } = open();
      await store.join(await invite(1, 'den'), credential(2, 'den'));
      await store.join(await invite(3, 'den', { replaces: true }), credential(4, 'den'));
      await expect(store.findToken(credential(2, 'den').id)).resolves.toBeUndefined();
      await expect(store.findToken(credential(4, 'den').id)).resolves.toMatchObject({ role: 'node', name: 'den' });
    });

    it('there is nothing to replace where no node is', async () => {
      await expect(invite(1, 'den', { replaces: true })).rejects.toMatchObject({ code: 'node-not-found' });
    });

    it('a join that is refused leaves its token as it was', async () => {
      const { store } = open();
      const [first, second] = [await invite(1, 'den'), await invite(2, 'den')];
      await store.join(first, credential(3, 'den'));
      for (const number of [4, 5]) {
        await expect(store.join(second, credential(number, 'den'))).rejects.toMatchObject({ code: 'node-exists' });
      }
    });

    it('long expired join tokens are swept away, others stay', async () => {
      const { store } = open();
      await enrol(store, 'den', 0x30);
      const id = await invite(1, 'attic');
      await store.sweepExpired(START_MS + 60_000, 10);
      await expect(store.findToken(id)).resolves.toBeDefined();
      await store.sweepExpired(START_MS + 365 * 24 * 3_600_000, 10);
      await expect(store.findToken(id)).resolves.toBeUndefined();
      await expect(store.findToken(makeTokenEntry(0x31).id)).resolves.toMatchObject({ role: 'node', name: 'den' });
    });
  });
}

function credential(number: number, node: string, createdAtMs: number = START_MS): TokenEntry {
  return makeTokenEntry(number, { role: 'node', name: node, createdAtMs });
}
