/**
 * Fills the database of a relay with records of many nodes, each with an agent: batches as nodes send them go through the relay's own store,
 * the declaration of candidates before them. Only HTTP is left out.
 */
import { createHash, randomUUID } from 'node:crypto';

import { HybridClock, limits, NO_RESOURCE, relayOptions, resolveConfig, ZERO_VERSION } from '@holdfast/protocol';
import { type IncomingChange, SqliteRelayStore } from '@holdfast/relay';
import { recordHash } from '@holdfast/store';

import { CANDIDATES, candidatesDeclaration } from '../candidates.ts';
import type { FillPlan, FillResult } from '../fill-plan.ts';
import { sampleNumber } from '../sample-document.ts';
import { collectionOf, sampleOf } from '../sample-rows.ts';

const LEASE_MS = 60_000;
/** One less than a batch may bring: the first one brings the declaration too. */
const rowsEach = limits.syncBatchChanges - 1;

const plan = JSON.parse(process.argv[2] ?? '') as FillPlan;
const config = resolveConfig('relay', relayOptions, { flags: {}, environment: {}, file: {} }).values;
const store = new SqliteRelayStore(plan.path, config);

function randomHex(): string {
  return randomUUID().replaceAll('-', '');
}

/** A node with one agent that sends its share of the records. */
class Sender {
  readonly #node: string;
  readonly #boot = randomHex();
  readonly #incarnation = randomHex();
  readonly #clock: HybridClock;
  #cursor = { seq: 0, version: ZERO_VERSION };

  constructor(number: number) {
    this.#node = `node-${number}`;
    this.#clock = new HybridClock(Date.now, number.toString(16).padStart(8, '0'));
  }

  async enrol(): Promise<void> {
    const join = this.#token('join');
    await store.addToken(join);
    await store.join(join.id, this.#token('node'));
    await store.openSession({ ...this.#speaker(), predecessors: [] });
  }

  /** Sends records of these numbers in one batch. */
  async send(indexes: readonly number[]): Promise<void> {
    if (indexes.length === 0) return;
    const before = this.#cursor.seq;
    const declares = before === 0 && plan.kind === 'candidate';
    const changes = [
      ...(declares ? [this.#change(1, 'collections', CANDIDATES, JSON.stringify(candidatesDeclaration))] : []),
      ...indexes.map((index, place) => {
        const seq = before + place + (declares ? 2 : 1);
        return this.#change(seq, collectionOf(plan.kind), sampleNumber(index), sampleOf(plan.kind, index));
      }),
    ];
    const base = this.#cursor;
    const last = changes.at(-1)?.row;
    if (last !== undefined) this.#cursor = { seq: last.seq, version: last.version };
    const stream = { boot: this.#boot, agent: 'recruiter', incarnation: this.#incarnation };
    const header = { ...stream, base, upto: this.#cursor, count: changes.length };
    const bytes = changes.reduce((sum, { line }) => sum + line.length, 0);
    const { rejects } = await store.takeBatch({ ...this.#speaker(), header, changes, bytes });
    if (rejects.length > 0) throw new Error(`the relay refused ${rejects.length} records: ${rejects[0]?.reason}`);
  }

  #change(seq: number, collection: string, id: string, doc: string): IncomingChange & { row: { version: string } } {
    const nowMs = Date.now();
    const times = { createdAtMs: nowMs, updatedAtMs: nowMs, expiresAtMs: null };
    const content = {
      resource: NO_RESOURCE,
      collection,
      id,
      version: this.#clock.next(),
      ...times,
      deleted: false,
      doc,
    };
    return { seq, line: doc, row: { seq, ...content, hash: recordHash(content) } };
  }

  #speaker(): { node: string; boot: string; nowMs: number; silentBeforeMs: number } {
    const nowMs = Date.now();
    return { node: this.#node, boot: this.#boot, nowMs, silentBeforeMs: nowMs - LEASE_MS };
  }

  #token(role: 'join' | 'node'): Parameters<SqliteRelayStore['addToken']>[0] {
    const id = randomHex().slice(0, 12);
    const hash = createHash('sha256').update(id).digest('hex');
    const nowMs = Date.now();
    return {
      id,
      hash,
      role,
      name: this.#node,
      createdAtMs: nowMs,
      expiresAtMs: role === 'join' ? nowMs + LEASE_MS : null,
      replaces: false,
    };
  }
}

/** Numbers of the records that one batch brings, from a first one on. */
function shareOf(first: number): readonly number[] {
  return Array.from({ length: Math.max(0, Math.min(rowsEach, plan.records - first)) }, (_, place) => first + place);
}

const senders = Array.from({ length: plan.nodes }, (_, number) => new Sender(number));
for (const sender of senders) await sender.enrol();
const startedAtMs = performance.now();
for (let from = 0; from < plan.records; from += rowsEach * plan.nodes) {
  await Promise.all(senders.map((sender, number) => sender.send(shareOf(from + number * rowsEach))));
}
const seconds = (performance.now() - startedAtMs) / 1000;
await store.close();
const result: FillResult = { records: plan.records, seconds };
process.stdout.write(`${JSON.stringify(result)}\n`);
