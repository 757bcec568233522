import type { StreamOptions } from '@holdfast/store';

/** What nodes may read of each other's, as the relay's operator says. */
export interface SharedRights {
  /** Names of agents that are one and the same on every node; `*`: all. Counts only for those the node has itself. */
  readonly sharedAgents: readonly string[];
  /** Collections of which every node may read what all agents wrote; `*`: all. */
  readonly sharedCollections: readonly string[];
}

/** A node as it asks: it may read what its own agents wrote, and what is shared with it. */
export interface NodeReader extends SharedRights {
  readonly node: string;
  /** The agent of the node that asks: it reads its own, and what is of shared collections. Undefined: the node as a whole. */
  readonly agent?: string | undefined;
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
