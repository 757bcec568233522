import { type Cursor, limits, type Now, type Reject } from '@holdfast/protocol';
import type { AgentStore, BatchBounds, OutboxBatch } from '@holdfast/store';

import { retryDelayMs } from './backoff.ts';
import { type StreamEffect, type StreamEvent, type StreamState, streamTransitions } from './stream-machine.ts';
import type { Timers } from './timers.ts';
import type { Outcome, Transport } from './transport.ts';

/** What the lanes of a node share. */
export interface LaneContext {
  readonly boot: string;
  readonly lingerMs: number;
  readonly now: Now;
  readonly random: () => number;
  readonly timers: Timers;
  readonly transport: () => Transport | undefined;
  /** The agent's store, to be used at once. */
  readonly store: (agent: string) => AgentStore;
  /** Runs a call to the relay when its turn comes; turns are given round-robin over the lanes. */
  readonly takeTurn: (call: () => Promise<void>) => void;
  /** Tells the link what came of a call; true when it is the link's matter. */
  readonly report: (outcome: Outcome<unknown>) => boolean;
  /** The relay took a batch: how many changes, and which of them it rejected. */
  readonly onTaken: (agent: string, changes: number, rejects: readonly Reject[]) => void;
  /** Something went wrong that nobody waits for; the lane tries again. */
  readonly onError: (agent: string, error: unknown) => void;
}

interface Waiter {
  readonly seq: number;
  readonly resolve: () => void;
}

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
  #sentUpto: Cursor | undefined;
  #ahead: OutboxBatch | undefined;
  #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #waiters: Waiter[] = [];
  #disarm: () => void = () => undefined;
  /** What the file's cursor is, so that quiet agents' files need not be opened; undefined until first asked. */
  #acked: Cursor | undefined;
  #incarnation: string | undefined;
  #isKnownClean = false;
  #movedAtMs = 0;

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

  /** When the cursor last moved: a session's answer asked for earlier says nothing about it. */
  get movedAtMs(): number {
    return this.#movedAtMs;
  }

  /** The stream's incarnation, read from the file once. */
  incarnation(): string {
    return (this.#incarnation ??= this.#store().incarnation);
  }

  /** Tells the lane that something happened. */
  dispatch(event: StreamEvent): void {
    if (event === 'written') this.#isKnownClean = false;
    if (event === 'drained') this.#isKnownClean = true;
    const { to, effects } = streamTransitions[this.#state][event];
    this.#state = to;
    for (const effect of effects) this.#effects[effect]();
  }

  /** The relay says where it stands; true when it is where we believe. */
  compare(relayCursor: Cursor): boolean {
    this.#acked ??= this.#store().counters.acked;
    if (relayCursor.seq === this.#acked.seq && relayCursor.version === this.#acked.version) return true;
    this.#relayCursor = relayCursor;
    this.dispatch('mismatch');
    return false;
  }

  /** Resolves once the relay holds the stream up to `seq`. Does not ask for it; may never resolve. */
  whenAcked(seq: number): { readonly acked: Promise<void>; readonly forget: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { seq, resolve };
    this.#waiters.push(waiter);
    return { acked: promise, forget: () => (this.#waiters = this.#waiters.filter((other) => other !== waiter)) };
  }

  /** Stops timers and aborts what is under way; resolves when nothing is. */
  async stop(): Promise<void> {
    this.dispatch('held-back');
    this.#disarm();
    await this.#running;
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
    const batch = this.#isKnownClean ? undefined : this.#nextBatch();
    if (transport === undefined || batch === undefined) {
      this.dispatch('drained');
      return;
    }
    const incarnation = this.incarnation();
    this.#sentUpto = batch.upto;
    const answer = transport.batch(this.#context.boot, { agent: this.agent, incarnation, ...batch }, signal);
    this.#ahead = this.#isFull(batch) ? this.#store().outbox.above(batch.upto, this.#bounds) : undefined;
    const outcome = await answer;
    if (outcome.kind === 'done') await this.#taken(outcome.value.cursor, outcome.value.rejects, batch.lines.length);
    else if (!signal.aborted) this.#notTaken(outcome, batch);
  }

  #nextBatch(): OutboxBatch | undefined {
    const { acked } = this.#store().counters;
    const ahead = this.#ahead;
    this.#ahead = undefined;
    return ahead?.base.seq === acked.seq ? ahead : this.#store().outbox.next(this.#bounds);
  }

  #isFull(batch: OutboxBatch): boolean {
    return batch.lines.length >= this.#bounds.changes;
  }

  async #taken(cursor: Cursor, rejects: readonly Reject[], changes: number): Promise<void> {
    this.#failures = 0;
    this.#retryAfterMs = 0;
    this.#grow();
    this.#settle(cursor.seq, rejects);
    this.#context.report({ kind: 'done', value: cursor });
    await this.#store().acknowledge(cursor, rejects);
    this.#context.onTaken(this.agent, changes, rejects);
    this.#moved();
  }

  #notTaken(outcome: Exclude<Outcome<unknown>, { kind: 'done' }>, batch: OutboxBatch): void {
    this.#ahead = undefined;
    if (this.#context.report(outcome)) return;
    switch (outcome.kind) {
      case 'mismatch':
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
      default:
        throw new Error(`the link left a "${outcome.kind}" to the stream`);
    }
  }

  // A record the relay will not take even alone: moves the cursor over it, and keeps it as a dead letter (rule 9).
  async #skip(batch: OutboxBatch, reason: string, signal: AbortSignal): Promise<void> {
    const incarnation = this.incarnation();
    const empty = { agent: this.agent, incarnation, base: batch.base, upto: batch.upto, lines: [] };
    const outcome = await this.#context.transport()?.batch(this.#context.boot, empty, signal);
    if (outcome?.kind === 'done') {
      const reject = { seq: batch.upto.seq, code: 'record-too-large', reason };
      await this.#taken(outcome.value.cursor, [reject], 1);
    } else if (outcome !== undefined && outcome.kind !== 'too-large' && !signal.aborted) {
      this.#notTaken(outcome, batch);
    } else {
      this.#fail({ reason, retryAfterMs: 0 });
    }
  }

  async #reconcile(signal: AbortSignal): Promise<void> {
    const relay = this.#relayCursor;
    if (relay === undefined) throw new Error('a mismatch without the cursor that shows it');
    const { acked } = this.#store().counters;
    const answerWasLost = this.#sentUpto?.seq === relay.seq && this.#sentUpto.version === relay.version;
    if (answerWasLost && relay.seq > acked.seq) await this.#store().acknowledge(relay, []);
    else if (relay.seq < acked.seq) await this.#store().rewind(relay);
    else if (!(await this.#pull(relay.seq === acked.seq ? 0 : acked.seq, signal))) return;
    this.#settle(this.#store().counters.acked.seq, []);
    this.#moved();
  }

  /** Takes over what the relay holds above `afterSeq`, a page at a time; false when that failed. */
  async #pull(afterSeq: number, signal: AbortSignal): Promise<boolean> {
    const transport = this.#context.transport();
    let from = afterSeq;
    for (let more = true; more; ) {
      const incarnation = this.incarnation();
      const outcome = await transport?.streamPage({ agent: this.agent, incarnation, afterSeq: from }, signal);
      if (outcome?.kind !== 'done') {
        if (outcome === undefined || signal.aborted || this.#context.report(outcome)) return false;
        this.#fail(outcome.kind === 'failed' ? outcome : { reason: 'the relay would not give the stream', retryAfterMs: 0 });
        return false;
      }
      await this.#store().adopt(outcome.value);
      from = outcome.value.changes.at(-1)?.seq ?? from;
      more = outcome.value.more && !signal.aborted;
    }
    return true;
  }

  #moved(): void {
    const { acked, outbox } = this.#store().counters;
    this.#acked = acked;
    this.#movedAtMs = this.#context.now();
    this.dispatch(outbox > 0 ? 'more' : 'drained');
  }

  #fail(failure: { readonly reason: string; readonly retryAfterMs: number }): void {
    this.#context.onError(this.agent, failure.reason);
    this.#failures += 1;
    this.#retryAfterMs = failure.retryAfterMs;
    this.dispatch('failed');
  }

  #shrink(): void {
    this.#bounds = { changes: Math.max(1, this.#bounds.changes >> 1), bytes: this.#bounds.bytes >> 1 };
  }

  #grow(): void {
    const changes = Math.min(limits.syncBatchChanges, this.#bounds.changes * 2);
    this.#bounds = { changes, bytes: Math.min(limits.syncBatchBytes, this.#bounds.bytes * 2) };
  }

  #settle(ackedSeq: number, rejects: readonly Reject[]): void {
    if (this.#waiters.length === 0) return;
    const rejected = new Set(rejects.map((reject) => reject.seq));
    const isDone = (waiter: Waiter): boolean => waiter.seq <= ackedSeq;
    for (const waiter of this.#waiters) if (isDone(waiter) && !rejected.has(waiter.seq)) waiter.resolve();
    this.#waiters = this.#waiters.filter((waiter) => !isDone(waiter));
  }

  #arm(delayMs: number): void {
    this.#disarm();
    this.#disarm = this.#context.timers.after(delayMs, () => this.dispatch('timer'));
  }
}
