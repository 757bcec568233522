import type {
  BatchReceipt,
  ImmediateRequest,
  Now,
  Reject,
  SessionAnswer,
  SessionRequest,
  StreamPage,
} from '@holdfast/protocol';
import type { Logger } from 'pino';

import type { RelayStore, Speaker, StreamName, Taken } from '../storage/relay-store.ts';
import type { ReadBatch } from './batch-reader.ts';
import { readChange, readChangeLine } from './change-reader.ts';
import type { RelayMetrics } from './metrics.ts';

/** What taking changes needs. */
export interface SyncOptions {
  readonly store: RelayStore;
  readonly metrics: RelayMetrics;
  readonly log: Logger;
  readonly leaseSeconds: number;
  readonly now: Now;
}

/** What nodes ask of the relay: sessions, batches, single changes, their own streams (protocol rules 3 to 8). */
export class Sync {
  readonly #options: SyncOptions;

  constructor(options: SyncOptions) {
    this.#options = options;
  }

  /** Opens or renews a session. Throws like `RelayStore.openSession`. */
  async openSession(node: string, { boot, predecessors }: SessionRequest): Promise<SessionAnswer> {
    const { store, leaseSeconds } = this.#options;
    const speaker = this.#speaker(node, boot);
    const streams = await store.openSession({ ...speaker, predecessors });
    return { node, epoch: store.epoch, leaseSeconds, nowMs: speaker.nowMs, streams: [...streams] };
  }

  /** Takes a batch; resolves after the commit. Throws like `RelayStore.takeBatch`. */
  async takeBatch(node: string, batch: ReadBatch): Promise<BatchReceipt> {
    const { store, metrics } = this.#options;
    const taken = await metrics.observe(store.takeBatch({ ...this.#speaker(node, batch.header.boot), ...batch }));
    metrics.countBatch();
    this.#logRejects(node, taken);
    return { cursor: batch.header.upto, rejects: [...taken.rejects] };
  }

  /** Takes one change of the fast lane. `source` is the request's text. Throws like `RelayStore.takeImmediate`. */
  async takeImmediate(
    node: string,
    request: ImmediateRequest,
    source: string,
  ): Promise<{ readonly rejects: Reject[] }> {
    const { store, metrics } = this.#options;
    const { boot, agent, incarnation } = request;
    const read = readChange(request.change, source, 'change');
    // A refused change is kept as the batch would bring it, without the envelope.
    const change = read.refusal === undefined ? read : { ...read, line: JSON.stringify(request.change) };
    const taken = await metrics.observe(
      store.takeImmediate({ ...this.#speaker(node, boot), agent, incarnation, change }),
    );
    this.#logRejects(node, taken);
    return { rejects: [...taken.rejects] };
  }

  /** What the relay holds of a stream above a seq. */
  async streamPage(stream: StreamName, afterSeq: number): Promise<StreamPage> {
    const { cursor, rows, more } = await this.#options.store.streamPart(stream, afterSeq);
    const changes = rows.map((row) => ({ ...row, doc: row.doc === null ? null : (JSON.parse(row.doc) as unknown) }));
    return { cursor, changes, more };
  }

  /** Merges a dead letter's change once more, as it came. Throws `dead-letter-not-found`. */
  async retryDeadLetter(id: string): Promise<{ readonly rejects: Reject[] }> {
    const { store, metrics, now } = this.#options;
    const { change: line } = await store.deadLetter(id);
    const change = readChangeLine(line, 'the dead letter');
    const taken = await metrics.observe(store.retryDeadLetter(id, change, now()));
    return { rejects: [...taken.rejects] };
  }

  #speaker(node: string, boot: string): Speaker {
    const nowMs = this.#options.now();
    return { node, boot, nowMs, silentBeforeMs: nowMs - this.#options.leaseSeconds * 1000 };
  }

  #logRejects(node: string, { rejects }: Taken): void {
    if (rejects.length === 0) return;
    const codes = [...new Set(rejects.map(({ code }) => code))];
    this.#options.log.warn({ node, rejects: rejects.length, codes }, 'changes became dead letters');
  }
}
