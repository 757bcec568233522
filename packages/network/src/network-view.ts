import type { StreamOptions } from '@holdfast/store';

/** A node as it asks: it may read what its own agents wrote, and what is shared with it. */
export interface NodeReader {
  readonly node: string;
  /** Names of agents that are one and the same on every node; `*`: all. Counts only for those the node has itself. */
  readonly sharedAgents: readonly string[];
}

/** Roles that may not see everything. */
export type Audience = 'viewer' | 'operator';

/** Who asks, and as of when. */
export interface NetworkView {
  /** What has expired by then is not seen. */
  readonly nowMs: number;
  /** What this node may not read is not seen either. Undefined: somebody who may read all. */
  readonly reader?: NodeReader | undefined;
  /** The role of a person who asks, to see what collections declare it may. Undefined: all. */
  readonly audience?: Audience | undefined;
  /** Ends the query early. */
  readonly signal?: AbortSignal | undefined;
}

/** What a stream of records is about, beside the query. */
export interface NetworkStreamOptions extends StreamOptions, NetworkView {}
