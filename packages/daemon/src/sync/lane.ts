import { setImmediate as nextTurn } from 'node:timers/promises';

import type { BatchReceipt, Cursor } from '@holdfast/protocol';
import { type AgentStore, digestText, type OutboxBatch, type WrittenRange } from '@holdfast/store';

import { retryDelayMs } from './backoff.ts';
import { BatchSize } from './batch-size.ts';
import { Comparison, type DigestState } from './comparison.ts';
import { isSame, NOWHERE } from './cursor.ts';
import type { LaneContext } from './lane-context.ts';
import { pull, type StreamWork } from './pull.ts';
import { repair } from './repair.ts';
import type { Prepared, Sent } from './sent.ts';
import { type StreamEffect, type StreamEvent, type StreamState, streamTransitions } from './stream-machine.ts';
import type { NotDone, Transport } from './transport.ts';
import { type Wait, Waiters } from './waiters.ts';

/** Drives one stream's machine: sends batches, one at a time, and does what the relay's answers ask. */
export class Lane {
  readonly agent: string;
  readonly #context: LaneContext;
  readonly #effects: Readonly<Record<StreamEffect, () => void>>;
  #state: StreamState = 'held';
  #failures = 0;
  #retryAfterMs = 0;
  readonly #size = new BatchSize();
  #relayCursor: Cursor | undefined;
  /** The stream was brought together with the relay, and what waits was not taken since. */
  #isJustReconciled = false;
  /** The relay stood elsewhere once more right after that: it is to be looked into when its turn comes again. */
  #isMismatchOpen = false;
  #sent: Sent | undefined;
  #ahead: Prepared | undefined;
  /** The last acknowledgement being written down, beside the next batch; gives the error if that failed. */
  #acknowledging: Promise<unknown> = Promise.resolve(undefined);
  #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();
  readonly #waiters = new Waiters();
  readonly #comparison = new Comparison();
  #disarm: () => void = () => undefined;
  /** What the file's cursor is, so that quiet agents' files need not be opened; undefined until first asked. */
  #acked: Cursor | undefined;
  /** What the records' digest is while nothing waits; undefined until asked for anew. */
  #digest: string | undefined;
  #incarnation: string | undefined;
  #isKnownClean = false;
  #isSettled = false;
  #movedAt = 0;

  constructor(agent: string, context: LaneContext) {
    this.agent = agent;
    this.#context = context;
    this.#effects = {
      'arm-linger': () => this.#arm(context.lingerMs),
      'arm-retry': () => this.#arm(retryDelayMs(this.#failures, context.random, this.#retryAfterMs)),
      disarm: () => this.#disarm(),
      send: () => this.#run((signal) => this.#send(signal)),
      shrink: () => this.#size.shrink(this.#sent?.changes ?? this.#size.bounds.changes),
      reconcile: () => this.#run((signal) => this.#reconcile(signal)),
      repair: () => this.#run((signal) => this.#repair(signal)),
      abort: () => this.#abort.abort(),
    };
  }

  /** The state the stream is in. */
  get state(): StreamState {
    return this.#state;
  }

  /** What comparing with the relay's records said last. */
  get digestState(): DigestState {
    return this.#comparison.state;
  }

  /** Whether the file has all that the relay has of this agent, as far as comparing told: since the lane was made, and not being looked into. */
  get isSettled(): boolean {
    return this.#isSettled && this.#state !== 'reconciling' && this.#state !== 'comparing';
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
    if (event === 'written' || event === 'more' || event === 'mismatch' || event === 'different') {
      this.#isKnownClean = false;
      this.#digest = undefined;
    }
    if (event === 'drained') this.#isKnownClean = true;
    const wasSettled = this.isSettled;
    const { to, effects } = streamTransitions[this.#state][event];
    this.#state = to;
    this.#isSettled ||= this.digestState !== 'unknown' && (to === 'clean' || to === 'sending');
    for (const effect of effects) this.#effects[effect]();
    if (this.isSettled && !wasSettled) this.#context.onSettled();
  }

  /** The relay says where it stands; true when it is where we believe. */
  compare(relayCursor: Cursor): boolean {
    this.#isMismatchOpen = false;
    this.#acked ??= this.#store().counters.acked;
    if (isSame(relayCursor, this.#acked)) return true;
    this.#relayCursor = relayCursor;
    this.dispatch('mismatch');
    return false;
  }

  /**
   * The relay says what its records come to, asked when it stood where we believe. True when they differ from ours and are
   * compared one by one now. Says nothing while something waits or is under way: that is still to change.
   */
  compareDigest(relayDigest: string): boolean {
    if (this.#state !== 'clean' && this.#state !== 'held') return false;
    const ours = (this.#digest ??= this.#settledDigest());
    if (ours === undefined || !this.#isToRepair(ours, relayDigest, 'session')) return false;
    this.dispatch('different');
    return true;
  }

  /** Waits until the relay holds a write. Does not ask for it. */
  whenTaken(written: WrittenRange): Wait {
    return this.#waiters.wait(written);
  }

  /** Stops timers and aborts what is under way; resolves when nothing is. */
  async stop(): Promise<void> {
    this.dispatch('held-back');
    this.#disarm();
    this.#waiters.dismiss();
    await this.#running;
    await this.#acknowledging;
  }

  #settledDigest(): string | undefined {
    const { outbox, digest } = this.#store().counters;
    return outbox === 0 ? digestText(digest) : undefined;
  }

  #isToRepair(ours: string, theirs: string, from: 'session' | 'batch'): boolean {
    const verdict = this.#comparison.judge(ours === theirs, from);
    if (verdict === 'diverged') this.#context.onNotice(this.agent, { kind: 'diverged' });
    return verdict === 'repair';
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
    if (this.#isMismatchOpen) {
      this.#isMismatchOpen = false;
      this.dispatch('mismatch');
      return;
    }
    const transport = this.#context.transport();
    const next = this.#isKnownClean || transport === undefined ? undefined : await this.#nextBatch(transport);
    if (transport === undefined || next === undefined) return this.dispatch('drained');
    const { batch } = next;
    const encoded = await next.encoded;
    this.#sent = { upto: batch.upto, changes: batch.lines.length, digest: batch.digest, rejects: [] };
    const answer = transport.batch(encoded, signal);
    if (batch.lines.length >= this.#size.bounds.changes) await this.#readAhead(batch, transport);
    const outcome = await answer;
    await this.#assertAcknowledged();
    if (outcome.kind === 'done') await this.#taken(outcome.value, { ...this.#sent, rejects: outcome.value.rejects });
    else if (!signal.aborted) this.#notTaken(outcome, batch);
  }

  async #nextBatch(transport: Transport): Promise<Prepared | undefined> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead !== undefined && this.#acked !== undefined && isSame(ahead.batch.base, this.#acked)) return ahead;
    await this.#assertAcknowledged();
    return this.#prepare(this.#store().outbox.next(this.#size.bounds), transport);
  }

  // Once the batch before it is out, so that the relay has something to do meanwhile.
  async #readAhead({ upto, lines }: OutboxBatch, transport: Transport): Promise<void> {
    await nextTurn();
    this.#ahead = this.#prepare(this.#store().outbox.above(upto, this.#size.bounds), transport, lines.length);
  }

  #prepare(batch: OutboxBatch | undefined, transport: Transport, underWay = 0): Prepared | undefined {
    if (batch === undefined) return undefined;
    const incarnation = this.incarnation();
    const waiting = Math.max(0, this.#store().counters.outbox - underWay - batch.lines.length);
    const encoded = transport.encode(this.#context.boot, { agent: this.agent, incarnation, waiting, ...batch });
    // A batch read ahead may never be asked for.
    encoded.catch(() => undefined);
    return { batch, encoded };
  }

  async #assertAcknowledged(): Promise<void> {
    const failure = await this.#acknowledging;
    this.#acknowledging = Promise.resolve(undefined);
    if (failure !== undefined) throw new Error('an acknowledgement could not be written down', { cause: failure });
  }

  // Only what was sent is acknowledged: a relay that names another cursor would have us forget what it never saw.
  async #taken({ cursor, digest }: BatchReceipt, sent: Sent): Promise<void> {
    if (!isSame(cursor, sent.upto)) {
      this.#fail({ reason: 'the relay took a batch and named another cursor', retryAfterMs: 0 });
      return;
    }
    this.#failures = 0;
    this.#retryAfterMs = 0;
    this.#isJustReconciled = false;
    this.#size.grow();
    this.#context.report({ kind: 'done', value: cursor });
    this.#acknowledging = this.#acknowledge(sent).catch((error: unknown) => error);
    const isCompared = sent.digest !== undefined && digest !== undefined;
    if (isCompared && this.#isToRepair(sent.digest, digest, 'batch')) {
      this.#ahead = undefined;
      await this.#assertAcknowledged();
      this.#movedTo(sent.upto, 'different');
    } else if (this.#ahead === undefined) {
      await this.#assertAcknowledged();
      this.#moved();
    } else {
      this.#movedTo(sent.upto, 'more');
    }
  }

  async #acknowledge({ upto, changes, rejects }: Sent): Promise<void> {
    this.#waiters.settle(upto.seq, rejects, this.#store());
    await this.#store().acknowledge(upto, rejects);
    this.#context.onTaken(this.agent, changes, rejects);
  }

  #notTaken(outcome: NotDone, batch: OutboxBatch): void {
    this.#ahead = undefined;
    if (this.#context.report(outcome)) return;
    switch (outcome.kind) {
      case 'mismatch':
        if (isSame(outcome.cursor, batch.base)) {
          this.#fail({ reason: 'the relay refused a batch from the very cursor it names', retryAfterMs: 0 });
          break;
        }
        this.#relayCursor = outcome.cursor;
        this.#mismatched();
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

  // Once is what a lost answer or a copy put back leaves. At once again, it would go on without end and without a pause.
  #mismatched(): void {
    if (!this.#isJustReconciled) {
      this.dispatch('mismatch');
      return;
    }
    this.#isMismatchOpen = true;
    this.#fail({ reason: 'the relay stands elsewhere again, right after it was reconciled with', retryAfterMs: 0 });
  }

  // A record the relay will not take even alone: moves the cursor over it, and keeps it as a dead letter (rule 9).
  async #skip(batch: OutboxBatch, reason: string, signal: AbortSignal): Promise<void> {
    const { base, upto } = batch;
    const waiting = Math.max(0, this.#store().counters.outbox - 1);
    const empty = { agent: this.agent, incarnation: this.incarnation(), base, upto, waiting, lines: [] };
    const sent = { upto, changes: 1, rejects: [{ seq: upto.seq, code: 'record-too-large', reason }] };
    this.#sent = sent;
    const transport = this.#context.transport();
    const outcome = await transport?.batch(await transport.encode(this.#context.boot, empty), signal);
    if (outcome?.kind === 'done') {
      await this.#taken(outcome.value, sent);
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
      // What it rejected of it was in the answer that was lost.
      this.#waiters.dismiss();
      await this.#acknowledge(sent);
    } else if (relay.seq < acked.seq) {
      await this.#rewind(relay);
      // Above its cursor it may still hold what came by the fast lane or late, and was lost here.
      if (!(await this.#pull(signal))) return;
    } else {
      // Another change under the same seq: nothing we believe of the relay is sure, so everything is sent again.
      if (relay.seq === acked.seq) await this.#rewind(NOWHERE);
      // Own changes get other seqs on the way: nothing can be told any more by those that callers wait for.
      this.#waiters.dismiss();
      if (!(await this.#pull(signal))) return;
    }
    this.#isJustReconciled = this.#store().counters.outbox > 0;
    this.#moved();
  }

  async #rewind(relay: Cursor): Promise<void> {
    this.#context.onNotice(this.agent, { kind: 'rewound', ...(await this.#store().rewind(relay)) });
  }

  /** Takes over what the relay holds above our cursor; false when that failed. */
  async #pull(signal: AbortSignal): Promise<boolean> {
    const work = this.#work(signal);
    const outcome = work && (await pull(work));
    if (outcome?.kind === 'done') return true;
    this.#broke(outcome, signal);
    return false;
  }

  async #repair(signal: AbortSignal): Promise<void> {
    const work = this.#work(signal);
    const outcome = work && (await repair(work));
    if (outcome?.kind !== 'done') {
      this.#broke(outcome, signal);
      return;
    }
    this.#comparison.repaired(outcome.value);
    this.#moved();
  }

  #work(signal: AbortSignal): StreamWork | undefined {
    const { agent } = this;
    const transport = this.#context.transport();
    const tell: StreamWork['tell'] = (notice) => this.#context.onNotice(agent, notice);
    return transport && { boot: this.#context.boot, agent, store: () => this.#store(), transport, signal, tell };
  }

  #broke(outcome: NotDone | undefined, signal: AbortSignal): void {
    if (outcome === undefined || signal.aborted || this.#context.report(outcome)) return;
    const reason = 'the relay would not give its records';
    this.#fail(outcome.kind === 'failed' ? outcome : { reason, retryAfterMs: 0 });
  }

  #moved(): void {
    const { acked, outbox } = this.#store().counters;
    // Kept, so that a quiet agent's file need not be opened to compare.
    if (outbox === 0) this.#digest = this.#settledDigest();
    this.#movedTo(acked, outbox > 0 ? 'more' : 'drained');
  }

  #movedTo(acked: Cursor, event: 'more' | 'drained' | 'different'): void {
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

  #arm(delayMs: number): void {
    this.#disarm();
    this.#disarm = this.#context.timers.after(delayMs, () => this.dispatch('timer'));
  }
}
