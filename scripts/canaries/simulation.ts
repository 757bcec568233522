import type { Canary } from './canary.ts';

/** A defence of the sync protocol, and how to take it out. */
interface Defence {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** A world that shows it, if none of the first hundred does. */
  readonly world?: number;
}

const defences: readonly Defence[] = [
  {
    name: 'the base check of a batch',
    file: 'packages/relay/src/storage/sqlite/sqlite-relay-store.ts',
    from: 'assertFastForward(header.base, stream.cursor);',
    to: '',
  },
  {
    name: 'merging by version',
    file: 'packages/relay/src/storage/sqlite/record-table.ts',
    from: 'row.version <= stored.version) return',
    to: 'row.version === stored.version) return',
  },
  {
    name: 'the chain of boots',
    file: 'packages/relay/src/storage/sqlite/session-table.ts',
    from: 'if (this.#isSuperseded.get(node, boot) !== undefined) return false;',
    to: 'if (boot !== current.boot) return true;',
  },
  {
    name: 'sending again to a relay that was put back',
    file: 'packages/daemon/src/sync/lane.ts',
    from: 'await this.#rewind(relay);',
    to: '',
  },
  {
    name: 'own records moving above what is pulled',
    file: 'packages/store/src/reconciler.ts',
    from: 'this.#moveWaitingAbove(page.cursor.seq);',
    to: '',
  },
  {
    name: 'the tree of starts',
    file: 'packages/store/src/lineage.ts',
    from: 'isLater(ours: string, theirs: string): boolean {',
    to: 'isLater(ours: string, theirs: string): boolean { if (ours !== theirs) return false;',
    world: 897,
  },
  {
    name: 'what is remembered of records that retention removed',
    file: 'packages/store/src/retention/agent-retention.ts',
    from: 'if (hasRelay) retired.add({ ...row, expiresAtMs: row.expires_at }, seq);',
    to: 'if (hasRelay) stream.xorDigest(storedShare({ ...row, ...this.#saidOf(seq) }));',
  },
  {
    name: 'one key for what all nodes share',
    file: 'packages/relay/src/storage/sqlite/record-row.ts',
    from: "iif(agents.agent = '${SHARED_AGENT}', ${SHARED_OWNER_ID}, agents.id)",
    to: 'agents.id',
  },
  {
    name: 'a page of the feed and its cursor in one transaction',
    file: 'packages/store/src/feed/intake.ts',
    from: 'return this.#write(() => this.#take(page));',
    to: `return this.#write(() => this.#options.row.save({ ...this.standing, cursor: page.cursor }))
      .then(() => this.#write(() => this.#take(page)));`,
  },
  {
    name: 'a new epoch of a relay that was put back',
    file: 'packages/relay/src/service/epoch-file.ts',
    from: "if (noted === undefined) return position === 0 ? undefined : 'there is no relay.epoch';",
    to: "if (epoch !== '') return undefined;",
  },
  {
    name: 'the highest version of what came by the feed',
    file: 'packages/store/src/feed/intake.ts',
    from: 'if (stored !== undefined && stored.version > row.version) {',
    to: 'if (stored !== undefined && stored.version === row.version) {',
  },
  {
    name: 'what is remembered of letters that came',
    file: 'packages/daemon/src/service/commander/arrivals.ts',
    from: "if (records.wasEver(MAIL, id)) return 'known';",
    to: '',
  },
  {
    name: 'how far letters were read being noted behind them',
    file: 'packages/daemon/src/service/commander/arrivals.ts',
    from: 'const held = await this.#deliver(arrivals);',
    to: 'notes.note({ cursor, held: [], nowMs: now() }); notes.settle(); const held = await this.#deliver(arrivals);',
  },
  {
    name: 'deletions in copies',
    file: 'packages/daemon/src/storage/replica/replica-records.ts',
    from: 'if (stored !== undefined) this.#drop({ ...stored, agentId, collection: row.collection });',
    to: '',
  },
  {
    name: 'a page of a subscription and its cursor together',
    file: 'packages/daemon/src/storage/replica/replica-tables.ts',
    from: 'this.#place(page, {',
    to: 'if (!page.more) this.#place(page, {',
  },
  {
    name: 'the end of a subscription that begins anew',
    file: 'packages/daemon/src/storage/replica/replica-tables.ts',
    from: 'if (this.#removeSome(unmet)) return true;',
    to: '',
  },
  {
    name: 'the file of fences beside the database',
    file: 'packages/store/src/leases/fence-counter.ts',
    from: 'this.#floor = noted ?? (last === 0 ? 0 : last + LEAP);',
    to: 'this.#floor = last;',
    world: 116,
  },
  {
    name: 'telling the relay the highest fence a node has seen',
    file: 'packages/daemon/src/storage/node-leases.ts',
    from: 'return this.#networkFence;',
    to: 'return 0;',
  },
  {
    name: 'the place from which a listener goes on',
    file: 'packages/store/src/feed/watched-records.ts',
    from: '[Math.min(place.takenSeq, 0), ...scope]',
    to: '[Math.min(place.takenSeq, 0) - 1, ...scope]',
  },
];

// One world after the other until one shows that the defence is gone.
const testOf = (worlds: { readonly from: number; readonly seeds: number }): string => `import { test } from 'vitest';

import { runSeeds } from './run-seeds.ts';

test('the canary sings', { timeout: 600_000 }, async () => {
  const onSeed = ({ violations }) => {
    if (violations.length > 0) throw new Error('the canary sang: ' + violations[0]);
  };
  await runSeeds(${JSON.stringify(worlds)}, { onSeed });
});
`;

/** Without each of these defences the simulation must find a broken promise, in as many worlds as the tests look at or in one. */
export const simulationCanaries: readonly Canary[] = defences.map(({ name, file, from, to, world }) => ({
  gate: 'tests',
  violation: `a sync protocol without ${name}`,
  seed: async (copy) => {
    await copy.remove(/\.test\.ts$/);
    copy.edit(file, from, to);
    const worlds = world === undefined ? { from: 1, seeds: 200 } : { from: world, seeds: 1 };
    copy.write('test/simulation/canary.test.ts', testOf(worlds));
  },
  expected: [/^test\/simulation\/canary\.test\.ts: the canary sings: Error: the canary sang/],
}));
