import type { Setting } from '../figures/figure.ts';

/** What a peer did of the work that all of them do. */
export interface PeerResult {
  /** Single-record writes a second at 64 connections. */
  readonly singlePerSecond: number;
  /** Records a second in bulk. */
  readonly bulkPerSecond: number;
  /** Records a second of a backlog going to the other side. */
  readonly drainPerSecond: number;
  /** Milliseconds from sending a write until the other side shows it, for each write. */
  readonly visibleMs: readonly number[];
}

/** One store with another side that follows it: daemon and relay, node and hub, server and replica. */
export interface Peer {
  readonly name: string;
  /** Does the work and cleans up after itself. Throws CommandError if it cannot. */
  readonly measure: (setting: Setting) => Promise<PeerResult>;
}
