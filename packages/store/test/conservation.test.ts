import { copyFileSync, rmSync } from 'node:fs';

import { type Change, isHoldfastError } from '@holdfast/protocol';
import { temporaryDirectory, testSeed } from '@holdfast/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { patch, put, remove, TestAgent } from './fixture.ts';
import { POISON, RelayModel } from './relay-model.ts';

const PAGE_CHANGES = 3;

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', POISON);
const key = fc.record({ id, collection: fc.constantFrom('notes', 'kv'), resource: fc.constantFrom('', 'app:u') });

/** Everything that can happen to a node and its relay, weighted towards the ordinary. */
const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('put' as const), key }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('put-expiring' as const), key, ms: fc.integer({ min: 1, max: 50 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('patch' as const), key }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), changes: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('send-and-lose-answer' as const),
      changes: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fast-lane' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: -1000, max: 1000 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('back-up' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('put-relay-back' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('put-file-back' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retry-dead-letters' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('relay-loses' as const), nth: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('compare' as const) }) },
);

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
type Key = typeof key extends fc.Arbitrary<infer Value> ? Value : never;

/** One node and one relay; what happens to them, and what they must agree on in the end. */
class World {
  readonly agent: TestAgent;
  readonly #copyPath: string;
  relay = new RelayModel();
  /** Taken together; one put back makes the other a copy of something that never was, so it is dropped. */
  #relayCopy: RelayModel | undefined;
  #hasFileCopy = false;
  #written = 0;

  constructor(agent: TestAgent, copyPath: string) {
    this.agent = agent;
    this.#copyPath = copyPath;
  }

  async run(step: Step): Promise<void> {
    const { store, clock } = this.agent;
    switch (step.kind) {
      case 'put':
        await this.#write(step.key, put(step.key.collection, step.key.id, this.#document()));
        break;
      case 'put-expiring': {
        const expiresAtMs = clock.now() + step.ms;
        const expiring = `expiring-${step.key.id}`;
        await this.#write(step.key, put(step.key.collection, expiring, this.#document(), { expiresAtMs }));
        break;
      }
      case 'patch':
        await this.#write(step.key, patch(step.key.collection, step.key.id, this.#document()));
        break;
      case 'delete':
        await this.#write(step.key, remove(step.key.collection, step.key.id));
        break;
      case 'send':
        await this.#send(step.changes, true);
        break;
      case 'send-and-lose-answer':
        await this.#send(step.changes, false);
        break;
      case 'fast-lane': {
        const line = store.outbox.line(store.counters.lastSeq);
        if (line !== undefined) this.relay.takeChange(JSON.parse(line) as Change);
        break;
      }
      case 'advance':
        clock.advance(step.ms);
        break;
      case 'sweep':
        await store.sweep(2, true);
        break;
      case 'retry-dead-letters':
        for (const letter of store.outbox.deadLetters()) await store.retryDeadLetter(letter.id);
        break;
      case 'relay-loses': {
        const key = [...this.relay.records.keys()][step.nth];
        if (key !== undefined) this.relay.records.delete(key);
        break;
      }
      case 'compare':
        if (this.#mustRepair()) await this.#repair();
        break;
      case 'reopen':
      case 'back-up':
      case 'put-relay-back':
      case 'put-file-back':
        this.#disturb(step.kind);
        break;
      default:
        step satisfies never;
    }
    this.agent.expectTrueCounters();
  }

  /** The faults are over: everything must arrive. */
  async settle(): Promise<void> {
    for (let rounds = 0; ; rounds += 1) {
      const batch = this.agent.store.outbox.next({ changes: 1000, bytes: 1e9 });
      if (batch === undefined && !this.#mustReconcile() && !this.#mustRepair()) return;
      if (this.#mustRepair()) await this.#repair();
      else await this.#send(1000, true);
      expect(rounds).toBeLessThan(10);
    }
  }

  expectAgreement(): void {
    const { store } = this.agent;
    const onRelay = [...this.relay.records.values()].filter(({ id }) => !id.startsWith('expiring-'));
    const onNode: unknown[] = [];
    for (const resource of ['', 'app:u']) {
      for (const { name } of store.collections()) {
        const page = { prefix: '', after: '', limit: 1000 };
        for (const { id, version, text } of store.list({ resource, collection: name }, page).rows) {
          if (id !== POISON && !id.startsWith('expiring-')) onNode.push([resource, name, id, version, text]);
        }
      }
    }
    const live = onRelay
      .filter(({ deleted }) => !deleted)
      .map(({ resource, collection, id, version, doc }) => [resource, collection, id, version, JSON.stringify(doc)]);
    const inOrder = (rows: unknown[]): string[] => rows.map((row) => JSON.stringify(row)).toSorted();
    expect(inOrder(live)).toEqual(inOrder(onNode));
  }

  #document(): { n: number } {
    this.#written += 1;
    return { n: this.#written };
  }

  async #write({ resource }: Key, operation: ReturnType<typeof put>): Promise<void> {
    try {
      await this.agent.write(operation, resource);
    } catch (error) {
      if (!isHoldfastError(error, 'record-not-found')) throw error;
    }
  }

  async #send(changes: number, isAnswered: boolean): Promise<void> {
    if (this.#mustReconcile()) await this.#reconcile();
    const batch = this.agent.store.outbox.next({ changes, bytes: 1e9 });
    if (batch === undefined) return;
    const rejects = this.relay.takeBatch(batch);
    expect(rejects).toBeDefined();
    if (isAnswered) await this.agent.store.acknowledge(batch.upto, rejects!);
  }

  #mustReconcile(): boolean {
    const { acked } = this.agent.store.counters;
    return acked.seq !== this.relay.cursor.seq || acked.version !== this.relay.cursor.version;
  }

  async #reconcile(): Promise<void> {
    const { store } = this.agent;
    if (this.relay.cursor.seq < store.counters.acked.seq) {
      await store.rewind(this.relay.cursor);
      return;
    }
    for (let after = store.counters.acked.seq; ;) {
      const page = this.relay.page(after, PAGE_CHANGES);
      await store.adopt(page, this.agent.lineage);
      this.agent.expectTrueCounters();
      if (!page.more) break;
      after = page.changes.at(-1)!.seq;
    }
  }

  /** Whether the digests tell of a difference; they say nothing while something waits (protocol rule 12). */
  #mustRepair(): boolean {
    const { outbox, digest } = this.agent.store.counters;
    return outbox === 0 && !this.#mustReconcile() && digest !== this.relay.digest;
  }

  async #repair(): Promise<void> {
    const { store } = this.agent;
    const { lastSeq } = store.counters;
    const copy = [...this.relay.records.values()];
    await store.settle(copy, true, this.agent.lineage);
    this.agent.expectTrueCounters();
    const held = new Set(copy.map(({ hash }) => hash));
    for (let after = 0; after < lastSeq;) {
      const page = store.compared(after);
      await store.resend(page.filter(({ hash, isHeld }) => isHeld && !held.has(hash)).map(({ seq }) => seq));
      after = page.at(-1)?.seq ?? lastSeq;
    }
  }

  #disturb(kind: 'reopen' | 'back-up' | 'put-relay-back' | 'put-file-back'): void {
    const { agent } = this;
    if (kind === 'reopen') agent.reopen();
    if (kind === 'back-up') {
      agent.reopen(() => copyFileSync(agent.path, this.#copyPath));
      this.#relayCopy = this.relay.copy();
      this.#hasFileCopy = true;
    }
    if (kind === 'put-relay-back' && this.#relayCopy !== undefined) {
      this.relay = this.#relayCopy.copy();
      this.#hasFileCopy = false;
    }
    if (kind === 'put-file-back' && this.#hasFileCopy) {
      agent.reopen(() => {
        for (const suffix of ['-wal', '-shm']) rmSync(agent.path + suffix, { force: true });
        copyFileSync(this.#copyPath, agent.path);
      });
      this.#relayCopy = undefined;
    }
  }
}

test(
  'whatever happens, counters stay true and node and relay agree when it is over',
  { timeout: 120_000 },
  async () => {
    await using directory = await temporaryDirectory();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        runs += 1;
        using agent = new TestAgent(directory.file(`${runs}.db`));
        const world = new World(agent, directory.file(`${runs}-copy.db`));
        for (const one of steps) await world.run(one);
        await world.settle();
        agent.expectTrueCounters();
        world.expectAgreement();
      }),
      { seed: testSeed(), numRuns: 100 },
    );
  },
);
