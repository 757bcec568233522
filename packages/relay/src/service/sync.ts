import {
  type BatchHeader,
  type BatchReceipt,
  type Buckets,
  type CopyPage,
  type Cursor,
  HoldfastError,
  type ImmediateRequest,
  isHoldfastError,
  type Now,
  type Reject,
  type SessionAnswer,
  type SessionRequest,
  type StartEntry,
  type StreamPage,
} from '@holdfast/protocol';
import type { AgentPart, RelayStore, Speaker, StreamName } from '../storage/relay-store.ts';
import type { ReadBatch } from './batch-reader.ts';
import { readChange, readChangeLine } from './change-reader.ts';
import { readChanges } from './stored-changes.ts';
import type { RelayMetrics } from './metrics.ts';
import type { Warnings } from './warnings.ts';

/** What taking changes needs. */
export interface SyncOptions {
  readonly store: RelayStore;
  readonly metrics: RelayMetrics;
  readonly warnings: Warnings;
  readonly leaseSeconds: number;
  readonly now: Now;
}

/** The wire version from which on nodes compare the hash of each record they get. */
const COMPARES_HASHES = 2;

/** What nodes ask of the relay: sessions, batches, single changes, their own streams (protocol rules 3 to 8). */
export class Sync {
  readonly #options: SyncOptions;

  constructor(options: SyncOptions) {
    this.#options = options;
  }

  /** Opens or renews a session. Throws like `RelayStore.openSession`. */
  async openSession(node: string, { boot, predecessors, waiting, fence }: SessionRequest): Promise<SessionAnswer> {
    const { store, leaseSeconds } = this.#options;
    const speaker = this.#speaker(node, boot);
    if (fence !== undefined) await store.leases.outgrow(fence);
    const streams = await store.openSession({ ...speaker, predecessors, ...(waiting && { waiting }) });
    return { node, epoch: store.epoch, leaseSeconds, nowMs: speaker.nowMs, streams: [...streams] };
  }

  /** Takes a batch; resolves after the commit. Throws like `RelayStore.takeBatch`. */
  async takeBatch(node: string, batch: ReadBatch): Promise<BatchReceipt> {
    const { store, metrics, warnings } = this.#options;
    const { header } = batch;
    const taking = store.takeBatch({ ...this.#speaker(node, header.boot), ...batch });
    const { rejects, digest } = await metrics.observe(taking).catch((error: unknown) => {
      if (isAhead(header, error)) warnings.isBehind(node, header.agent);
      throw error;
    });
    metrics.countBatch();
    warnings.rejected(node, rejects);
    if (digest !== undefined && digest !== header.digest) warnings.differs(node, header.agent);
    return { cursor: header.upto, rejects: [...rejects], ...(digest !== undefined && { digest }) };
  }

  /** Takes one change of the fast lane. `source` is the request's text. Throws like `RelayStore.takeImmediate`. */
  async takeImmediate(
    node: string,
    request: ImmediateRequest,
    source: string,
  ): Promise<{ readonly rejects: Reject[] }> {
    const { store, metrics, warnings } = this.#options;
    const { boot, agent, incarnation } = request;
    const read = readChange(request.change, source, 'change');
    // A refused change is kept as the batch would bring it, without the envelope.
    const change = read.refusal === undefined ? read : { ...read, line: JSON.stringify(request.change) };
    const taken = await metrics.observe(
      store.takeImmediate({ ...this.#speaker(node, boot), agent, incarnation, change }),
    );
    warnings.rejected(node, taken.rejects);
    return { rejects: [...taken.rejects] };
  }

  /**
   * What the relay holds of a stream above a seq, for a node of a wire version. One that does not compare hashes gets no
   * page with a document that cannot be read any more: `storage-failed`.
   */
  async streamPage(stream: StreamName, afterSeq: number, wireVersion: number): Promise<StreamPage> {
    const { cursor, rows, more } = await this.#options.store.streamPart(stream, afterSeq);
    const { changes, unreadable, leftOut } = readChanges(rows);
    this.#warn(stream, unreadable + leftOut);
    if (unreadable + leftOut > 0 && wireVersion < COMPARES_HASHES) {
      throw new HoldfastError('storage-failed', `${unreadable + leftOut} of the records cannot be read any more`);
    }
    return { cursor, starts: await this.#starts(stream.node), changes, more };
  }

  /** See `RelayStore.buckets`. */
  async buckets(node: string, agent: string): Promise<Buckets> {
    const digests = await this.#options.store.buckets(node, agent);
    return { ...digests, starts: await this.#starts(node) };
  }

  /** A page of all the relay holds of an agent. Throws like `RelayStore.copyPage`. */
  async copyPage(node: string, agent: string, part: AgentPart): Promise<CopyPage> {
    const { rows, next } = await this.#options.store.copyPage(node, agent, part);
    const { changes, unreadable, leftOut } = readChanges(rows);
    this.#warn({ node, agent }, unreadable + leftOut);
    return { changes, next, leftOut };
  }

  /** Merges a dead letter's change once more, as it came. Throws `dead-letter-not-found`. */
  async retryDeadLetter(id: string): Promise<{ readonly rejects: Reject[] }> {
    const { store, metrics, now } = this.#options;
    const { change: line } = await store.deadLetter(id);
    const change = readChangeLine(line, 'the dead letter');
    const taken = await metrics.observe(store.retryDeadLetter(id, change, now()));
    return { rejects: [...taken.rejects] };
  }

  #warn({ node, agent }: Pick<StreamName, 'node' | 'agent'>, unreadable: number): void {
    if (unreadable > 0) this.#options.warnings.unreadable(node, agent, unreadable);
  }

  async #starts(node: string): Promise<StartEntry[]> {
    return [...(await this.#options.store.starts(node))];
  }

  #speaker(node: string, boot: string): Speaker {
    const nowMs = this.#options.now();
    return { node, boot, nowMs, silentBeforeMs: nowMs - this.#options.leaseSeconds * 1000 };
  }
}

/** Whether a batch was refused because its node has acknowledgements that are not known here. */
function isAhead({ base }: BatchHeader, error: unknown): boolean {
  if (!isHoldfastError(error, 'cursor-mismatch')) return false;
  const { cursor } = error.extensions as { readonly cursor: Cursor };
  return base.seq > cursor.seq;
}
