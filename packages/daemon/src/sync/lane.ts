import { setImmediate as nextTurn } from 'node:timers/promises';

import { type Cursor, limits, type Reject, ZERO_VERSION } from '@holdfast/protocol';
import type { AgentStore, BatchBounds, OutboxBatch } from '@holdfast/store';

import { retryDelayMs } from './backoff.ts';
import { type StreamEffect, type StreamEvent, type StreamState, streamTransitions } from './stream-machine.ts';
import type { Timers } from './timers.ts';
import type { EncodedBatch, LinkFailure, Outcome, Transport } from './transport.ts';

/** What the lanes of a node share. */
export interface LaneContext {
  readonly boot: string;
  readonly lingerMs: number;
  /** A number above all it gave before: tells which of two things happened first, whatever the clock does. */
  readonly moment: () => number;
  readonly random: () => number;
  readonly timers: Timers;
  readonly transport: () => Transport | undefined;
  /** The agent's store, to be used at once. */
  readonly store: (agent: string) => AgentStore;
  /** Runs a call to the relay when its turn comes; turns are given round-robin over the lanes. */
  readonly takeTurn: (call: () => Promise<void>) => void;
  /** Tells the link what came of a call; true when it is the link's matter. */
  readonly report: (outcome: Outcome<unknown>) => outcome is LinkFailure;
  /** The relay took a batch: how many changes, and which of them it rejected. */
  readonly onTaken: (agent: string, changes: number, rejects: readonly Reject[]) => void;
  /** Something went wrong that nobody waits for; the lane tries again. */
  readonly onError: (agent: string, error: unknown) => void;
}

/** The seqs one write was given: they follow one another. */
export interface SeqRange {
  readonly first: number;
  readonly last: number;
}

interface Waiter extends SeqRange {
  readonly resolve: (isTaken: boolean) => void;
}

/** What was sent last: should its answer be lost, the relay's cursor tells that it was taken. */
interface Sent {
  readonly upto: Cursor;
  readonly changes: number;
  /** What was kept out of it because the relay will not take it. */
  readonly rejects: readonly Reject[];
}

/** A batch on its way to being sent. */
interface Prepared {
  readonly batch: OutboxBatch;
  readonly encoded: Promise<EncodedBatch>;
}

const NOWHERE: Cursor = { seq: 0, version: ZERO_VERSION };

/** Drives one stream's machine: sends batches, one at a time, and does what the relay's answers ask. */
export class Lane {
  readonly agent: string;
  readonly #context: LaneContext;
  readonly #effects: Readonly<Record<StreamEffect, () => void>>;
  #state: StreamState = 'held';
  #failures = 0;
  #retryAfterMs = 0;
  #bounds: BatchBounds = { changes: limits.syncBatchChanges, bytes: limits.syncBatchBytes };
  #relayCursor: Cursor | undefined;
  #sent: Sent | undefined;
  #ahead: Prepared | undefined;
  /** The last acknowledgement being written down, beside the next batch; gives the error if that failed. */
  #acknowledging: Promise<unknown> = Promise.resolve(undefined);
  #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #waiters: Waiter[] = [];
  #disarm: () => void = () => undefined;
  /** What the file's cursor is, so that quiet agents' files need not be opened; undefined until first asked. */
  #acked: Cursor | undefined;
  #incarnation: string | undefined;
  #isKnownClean = false;
  #movedAt = 0;

  constructor(agent: string, context: LaneContext) {
    this.agent = agent;
    this.#context = context;
    this.#effects = {
      'arm-linger': () => this.#arm(context.lingerMs),
      'arm-retry': () => this.#arm(retryDelayMs(this.#failures, context.random, this.#retryAfterMs)),
      disarm: () => this.#disarm(),
      send: () => this.#run((signal) => this.#send(signal)),
      shrink: () => this.#shrink(),
      reconcile: () => this.#run((signal) => this.#reconcile(signal)),
      abort: () => this.#abort.abort(),
    };
  }

  /** The state the stream is in. */
  get state(): StreamState {
    return this.#state;
  }

  /** The moment the cursor last moved: a session's answer asked for earlier says nothing about it. */
  get movedAt(): number {
    return this.#movedAt;
  }

  /** The stream's incarnation, read from the file once. */
  incarnation(): string {
    return (this.#incarnation ??= this.#store().incarnation);
  }

  /** Tells the lane that something happened. */
  dispatch(event: StreamEvent): void {
    if (event === 'written' || event === 'more' || event === 'mismatch') this.#isKnownClean = false;
    if (event === 'drained') this.#isKnownClean = true;
    const { to, effects } = streamTransitions[this.#state][event];
    this.#state = to;
    for (const effect of effects) this.#effects[effect]();
  }

  /** The relay says where it stands; true when it is where we believe. */
  compare(relayCursor: Cursor): boolean {
    this.#acked ??= this.#store().counters.acked;
    if (isSame(relayCursor, this.#acked)) return true;
    this.#relayCursor = relayCursor;
    this.dispatch('mismatch');
    return false;
  }

  /**
   * Resolves with true once the relay holds the stream up to the end of a write, with false when it rejected some of it or
   * nothing can be told any more. Does not ask for it; may never resolve.
   */
  whenTaken(seqs: SeqRange): { readonly taken: Promise<boolean>; readonly forget: () => void } {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { ...seqs, resolve };
    this.#waiters.push(waiter);
    return { taken: promise, forget: () => (this.#waiters = this.#waiters.filter((other) => other !== waiter)) };
  }

  /** Stops timers and aborts what is under way; resolves when nothing is. */
  async stop(): Promise<void> {
    this.dispatch('held-back');
    this.#disarm();
    await this.#running;
    await this.#acknowledging;
  }

  #store(): AgentStore {
    return this.#context.store(this.agent);
  }

  // One call at a time: after an abort, the next one begins when the aborted one has ended.
  #run(work: (signal: AbortSignal) => Promise<void>): void {
    if (this.#abort.signal.aborted) this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.#running = this.#running.then(
      () =>
        new Promise<void>((resolve) => {
          this.#context.takeTurn(async () => {
            try {
              if (!signal.aborted) await work(signal);
            } catch (error) {
              this.#context.onError(this.agent, error);
              this.#failures += 1;
              this.dispatch('failed');
            } finally {
              resolve();
            }
          });
        }),
    );
  }

  async #send(signal: AbortSignal): Promise<void> {
    const transport = this.#context.transport();
    const next = this.#isKnownClean || transport === undefined ? undefined : await this.#nextBatch(transport);
    if (transport === undefined || next === undefined) {
      this.dispatch('drained');
      return;
    }
    const { batch } = next;
    const encoded = await next.encoded;
    this.#sent = { upto: batch.upto, changes: batch.lines.length, rejects: [] };
    const answer = transport.batch(encoded, signal);
    if (this.#isFull(batch)) await this.#readAhead(batch.upto, transport);
    const outcome = await answer;
    await this.#assertAcknowledged();
    if (outcome.kind === 'done')
      await this.#taken(outcome.value.cursor, { ...this.#sent, rejects: outcome.value.rejects });
    else if (!signal.aborted) this.#notTaken(outcome, batch);
  }

  async #nextBatch(transport: Transport): Promise<Prepared | undefined> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead !== undefined && this.#acked !== undefined && isSame(ahead.batch.base, this.#acked)) return ahead;
    await this.#assertAcknowledged();
    return this.#prepare(this.#store().outbox.next(this.#bounds), transport);
  }

  // Once the batch before it is out, so that the relay has something to do meanwhile.
  async #readAhead(base: Cursor, transport: Transport): Promise<void> {
    await nextTurn();
    this.#ahead = this.#prepare(this.#store().outbox.above(base, this.#bounds), transport);
  }

  #prepare(batch: OutboxBatch | undefined, transport: Transport): Prepared | undefined {
    if (batch === undefined) return undefined;
    const incarnation = this.incarnation();
    const encoded = transport.encode(this.#context.boot, { agent: this.agent, incarnation, ...batch });
    // A batch read ahead may never be asked for.
    encoded.catch(() => undefined);
    return { batch, encoded };
  }

  async #assertAcknowledged(): Promise<void> {
    const failure = await this.#acknowledging;
    this.#acknowledging = Promise.resolve(undefined);
    if (failure !== undefined) throw new Error('an acknowledgement could not be written down', { cause: failure });
  }

  #isFull(batch: OutboxBatch): boolean {
    return batch.lines.length >= this.#bounds.changes;
  }

  // Only what was sent is acknowledged: a relay that names another cursor would have us forget what it never saw.
  async #taken(cursor: Cursor, sent: Sent): Promise<void> {
    if (!isSame(cursor, sent.upto)) {
      this.#fail({ reason: 'the relay took a batch and named another cursor', retryAfterMs: 0 });
      return;
    }
    this.#failures = 0;
    this.#retryAfterMs = 0;
    this.#grow();
    this.#context.report({ kind: 'done', value: cursor });
    this.#acknowledging = this.#acknowledge(sent).catch((error: unknown) => error);
    if (this.#ahead === undefined) {
      await this.#assertAcknowledged();
      this.#moved();
    } else {
      this.#movedTo(sent.upto, 'more');
    }
  }

  async #acknowledge({ upto, changes, rejects }: Sent): Promise<void> {
    this.#settle(upto.seq, rejects);
    await this.#store().acknowledge(upto, rejects);
    this.#context.onTaken(this.agent, changes, rejects);
  }

  #notTaken(outcome: Exclude<Outcome<unknown>, { kind: 'done' }>, batch: OutboxBatch): void {
    this.#ahead = undefined;
    if (this.#context.report(outcome)) return;
    switch (outcome.kind) {
      case 'mismatch':
        if (isSame(outcome.cursor, batch.base)) {
          this.#fail({ reason: 'the relay refused a batch from the very cursor it names', retryAfterMs: 0 });
          break;
        }
        this.#relayCursor = outcome.cursor;
        this.dispatch('mismatch');
        break;
      case 'too-large':
        if (batch.lines.length === 1) this.#run((signal) => this.#skip(batch, outcome.reason, signal));
        else this.dispatch('too-large');
        break;
      case 'failed':
        this.#fail(outcome);
        break;
    }
  }

  // A record the relay will not take even alone: moves the cursor over it, and keeps it as a dead letter (rule 9).
  async #skip(batch: OutboxBatch, reason: string, signal: AbortSignal): Promise<void> {
    const empty = { agent: this.agent, incarnation: this.incarnation(), ...batch, lines: [] };
    const sent = {
      upto: batch.upto,
      changes: 1,
      rejects: [{ seq: batch.upto.seq, code: 'record-too-large', reason }],
    };
    this.#sent = sent;
    const transport = this.#context.transport();
    const outcome = await transport?.batch(await transport.encode(this.#context.boot, empty), signal);
    if (outcome?.kind === 'done') {
      await this.#taken(outcome.value.cursor, sent);
    } else if (outcome !== undefined && outcome.kind !== 'too-large' && !signal.aborted) {
      this.#notTaken(outcome, batch);
    } else {
      this.#fail({ reason, retryAfterMs: 0 });
    }
  }

  async #reconcile(signal: AbortSignal): Promise<void> {
    const relay = this.#relayCursor;
    if (relay === undefined) throw new Error('a mismatch without the cursor that shows it');
    this.#ahead = undefined;
    this.#acked = undefined;
    await this.#assertAcknowledged();
    const sent = this.#sent;
    const { acked } = this.#store().counters;
    if (isSame(relay, acked)) {
      // An answer that was still on its way moved the cursor there meanwhile.
    } else if (relay.seq > acked.seq && sent !== undefined && isSame(relay, sent.upto)) {
      await this.#acknowledge(sent);
    } else if (relay.seq < acked.seq) {
      await this.#store().rewind(relay);
    } else {
      // Another change under the same seq: nothing we believe of the relay is sure, so everything is sent again.
      if (relay.seq === acked.seq) await this.#store().rewind(NOWHERE);
      if (!(await this.#pull(signal))) return;
    }
    this.#moved();
  }

  /** Takes over what the relay holds above our cursor, a page at a time; false when that failed. */
  async #pull(signal: AbortSignal): Promise<boolean> {
    // Own changes get other seqs on the way: nothing can be told any more by those that callers wait for.
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(false);
    const incarnation = this.incarnation();
    let afterSeq = this.#store().counters.acked.seq;
    for (let more = true; more;) {
      const outcome = await this.#context.transport()?.streamPage({ agent: this.agent, incarnation, afterSeq }, signal);
      if (outcome?.kind !== 'done') {
        if (outcome === undefined || signal.aborted || this.#context.report(outcome)) return false;
        const reason = 'the relay would not give the stream';
        this.#fail(outcome.kind === 'failed' ? outcome : { reason, retryAfterMs: 0 });
        return false;
      }
      const lastSeq = outcome.value.changes.at(-1)?.seq ?? 0;
      more = outcome.value.more;
      if (more && lastSeq <= afterSeq) {
        this.#fail({ reason: 'the relay promised more of the stream and gave none', retryAfterMs: 0 });
        return false;
      }
      await this.#store().adopt(outcome.value);
      if (signal.aborted) return false;
      afterSeq = lastSeq;
    }
    return true;
  }

  #moved(): void {
    const { acked, outbox } = this.#store().counters;
    this.#movedTo(acked, outbox > 0 ? 'more' : 'drained');
  }

  #movedTo(acked: Cursor, event: 'more' | 'drained'): void {
    this.#acked = acked;
    this.#movedAt = this.#context.moment();
    this.dispatch(event);
  }

  #fail(failure: { readonly reason: string; readonly retryAfterMs: number }): void {
    this.#context.onError(this.agent, failure.reason);
    this.#failures += 1;
    this.#retryAfterMs = failure.retryAfterMs;
    this.dispatch('failed');
  }

  // Half of what was sent, which may have been less than allowed.
  #shrink(): void {
    const changes = Math.max(1, (this.#sent?.changes ?? this.#bounds.changes) >> 1);
    this.#bounds = { ...this.#bounds, changes };
  }

  #grow(): void {
    this.#bounds = { ...this.#bounds, changes: Math.min(limits.syncBatchChanges, this.#bounds.changes * 2) };
  }

  #settle(ackedSeq: number, rejects: readonly Reject[]): void {
    this.#waiters = this.#waiters.filter(({ first, last, resolve }) => {
      const isRejected = rejects.some(({ seq }) => seq >= first && seq <= last);
      const isDone = isRejected || last <= ackedSeq;
      if (isDone) resolve(!isRejected);
      return !isDone;
    });
  }

  #arm(delayMs: number): void {
    this.#disarm();
    this.#disarm = this.#context.timers.after(delayMs, () => this.dispatch('timer'));
  }
}

function isSame(one: Cursor, other: Cursor): boolean {
  return one.seq === other.seq && one.version === other.version;
}
