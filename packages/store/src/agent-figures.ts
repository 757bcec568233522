import type { Cursor } from '@holdfast/protocol';

/** What there is to say about an agent's file without looking into it again. */
export interface AgentSummary {
  /** Live records over all collections; expired ones not yet swept count. */
  readonly records: number;
  /** Size of the file and its write-ahead log, in bytes. */
  readonly bytes: number;
  readonly lastSeq: number;
  readonly acked: Cursor;
  readonly ackedAtMs: number | null;
  readonly outbox: number;
  /** When the oldest waiting change was made; null if none waits. */
  readonly oldestMs: number | null;
  readonly deadLetters: number;
  /** When the next record or remembered request expires; null if none does. */
  readonly nextExpiryMs: number | null;
}

/** A collection that has or had records. */
export interface CollectionCount {
  readonly name: string;
  readonly records: number;
}
