import type { NodeReader, RecordScope } from '@holdfast/network';
import type { RecordRow } from '@holdfast/store';

/** Which part of the feed is read, and by whom. */
export interface FeedScope extends RecordScope {
  /** With what those agents declared of these collections, of whatever resource is asked for. Default: false. */
  readonly declarations?: boolean;
  /** Most records in a part. */
  readonly limit: number;
  /** See `NetworkView`. A node also reads what all share. */
  readonly reader?: NodeReader | undefined;
  /**
   * Only what agents of other nodes addressed to agents of this one. Who reads that keeps nothing of it that a removal would make wrong, so
   * that it goes on from anywhere.
   */
  readonly addressedTo?: string | undefined;
  /** See `NetworkView`. */
  readonly audience?: 'operator' | undefined;
}

/** A record in the feed. `node` and `agent`: who wrote it last. */
export interface FeedRow extends RecordRow {
  readonly position: number;
  readonly node: string;
  readonly agent: string;
  /** Whether it is not what was taken. */
  readonly isDamaged: boolean;
}

/** A part of the feed, in its order. */
export interface FeedPart {
  readonly rows: readonly FeedRow[];
  /** Up to where it goes: there is nothing else to read before. */
  readonly position: number;
  readonly more: boolean;
}

/** The store's own order of what it took (protocol rule 13). */
export interface RelayFeed {
  /**
   * What stands in the feed after a position, at most about 4 MiB: each record once, as it is now, tombstones too. What was
   * committed before the call is in it. Throws `feed-refetch` when records were removed that stood after that position, so that
   * whoever read to there may have an older state of them (protocol rule 15); never for position 0, nor when they stood at
   * `knownPosition` or before: who began to read when the feed had come to there cannot have it. Default 0.
   */
  part(scope: FeedScope, afterPosition: number, knownPosition?: number): Promise<FeedPart>;

  /** A mark of what a node may read: another one once it may read more or less. */
  rights(reader: NodeReader): Promise<string>;

  /** Calls back after each commit that moved the store's `position`; must not throw. What it returns ends that. */
  onMoved(callback: () => void): () => void;
}
