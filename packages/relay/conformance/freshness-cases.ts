/* oxlint-disable max-lines-per-function -- a group of tests is one call */
import type { NetworkQuery, WaitingChanges } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';

import type { NodeReader } from '@holdfast/network';
import type { NodeStanding } from '../src/index.ts';
import { useStore } from './enrolled.ts';
import { BOOT, LEASE_MS, makeBatch, makeChange, START_MS } from './material.ts';
import type { MakeStore } from './store-under-test.ts';

const laptop: NodeStanding = { node: 'laptop', lastContactMs: null, waiting: null };

function htpc(waiting: number | null, lastContactMs = START_MS): NodeStanding {
  return { node: 'htpc', lastContactMs, waiting };
}

function sharing(...sharedAgents: string[]): NodeReader {
  return { node: 'laptop', sharedAgents, sharedCollections: [] };
}

/** What is known of how fresh answers are: contacts, and what nodes told of what waits there. */
export function freshnessCases(make: MakeStore): void {
  describe('how far nodes were heard of', () => {
    const open = useStore(make);
    const standing = (query: NetworkQuery = {}, reader?: NodeReader): Promise<readonly NodeStanding[]> =>
      open().store.standing(query, reader);
    const tell = async (waiting: readonly WaitingChanges[], nowMs = START_MS): Promise<void> => {
      const at = { nowMs, silentBeforeMs: nowMs - LEASE_MS };
      await open().store.openSession({ node: 'htpc', boot: BOOT, predecessors: [], waiting: [...waiting], ...at });
    };
    const batch = (header: { waiting?: number; digest?: string }, seq = 1) => {
      const made = makeBatch([makeChange({ seq, doc: {} })]);
      return open().store.takeBatch({ ...made, header: { ...made.header, ...header } });
    };
    it('a session tells what waits of every agent, also of one nothing came of yet', async () => {
      await expect(standing()).resolves.toEqual([htpc(0), laptop]);
      await tell([
        { agent: 'recruiter', seq: 120, changes: 120 },
        { agent: 'scout', seq: 7, changes: 3 },
      ]);
      await expect(standing()).resolves.toEqual([htpc(123), laptop]);
      await expect(standing({ agents: ['scout'] })).resolves.toEqual([htpc(3), laptop]);
      await expect(standing({ agents: ['cyd'] })).resolves.toEqual([laptop]);
      await expect(standing({ nodes: ['htpc'] })).resolves.toEqual([htpc(123)]);
      await expect(open().store.nodes()).resolves.toMatchObject([{ node: 'htpc', agents: [] }, { node: 'laptop' }]);
      await tell([], START_MS + 5);
      await expect(standing({ agents: ['recruiter'] })).resolves.toEqual([htpc(0, START_MS + 5), laptop]);
      await tell([{ agent: 'scout', seq: 0, changes: null }]);
      await expect(standing({ nodes: ['htpc'] })).resolves.toEqual([htpc(null)]);
    });

    it('a batch tells what waits behind it; one of a node that does not say so, whether anything does', async () => {
      await batch({ waiting: 119 });
      await expect(standing({ nodes: ['htpc'] })).resolves.toEqual([htpc(119)]);
      await batch({}, 2);
      await expect(standing({ nodes: ['htpc'] })).resolves.toEqual([htpc(null)]);
      await batch({ digest: '0'.repeat(16) }, 3);
      await expect(standing({ nodes: ['htpc'] })).resolves.toEqual([htpc(0)]);
    });

    it('a session that was asked for before a batch does not undo what that said', async () => {
      await batch({ waiting: 0 });
      await tell([{ agent: 'recruiter', seq: 1, changes: 1 }]);
      await expect(standing({ nodes: ['htpc'] })).resolves.toEqual([htpc(0)]);
      await tell([{ agent: 'recruiter', seq: 2, changes: 1 }]);
      await expect(standing({ nodes: ['htpc'] })).resolves.toEqual([htpc(1)]);
    });

    it('what was told outlives the relay’s process', async () => {
      await tell([{ agent: 'recruiter', seq: 120, changes: 120 }]);
      await open().reopen();
      await expect(standing({ nodes: ['htpc'] })).resolves.toEqual([htpc(120)]);
    });

    it('a node learns of itself, and of others only where they have agents that are shared with it', async () => {
      await tell([
        { agent: 'recruiter', seq: 120, changes: 120 },
        { agent: 'scout', seq: 7, changes: 3 },
      ]);
      await expect(standing({}, sharing())).resolves.toEqual([laptop]);
      await expect(standing({}, sharing('*'))).resolves.toEqual([laptop]);
      await open().store.takeBatch(makeBatch([makeChange({ seq: 1, doc: {} })], { node: 'laptop', agent: 'scout' }));
      await expect(standing({}, sharing('scout'))).resolves.toMatchObject([htpc(3), { node: 'laptop' }]);
    });
  });
}
