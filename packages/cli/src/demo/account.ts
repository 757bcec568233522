/** Milliseconds of several measurements. */
export interface Spread {
  readonly median_ms: number;
  readonly p99_ms: number;
  readonly slowest_ms: number;
}

/** What happened in the demo; `--json` prints this very object. */
export interface Account {
  /** Whether nothing was lost and everything is equal. */
  readonly ok: boolean;
  readonly seconds: number;
  /** Null when it was removed. */
  readonly folder: string | null;
  /** What still runs; empty unless it was to be kept. */
  readonly running: readonly Running[];
  readonly start: { readonly relay_ms: number; readonly nodes_ms: readonly number[] };
  /** From sending a write to its node until a query of the relay showed it. */
  readonly visible: Spread & { readonly writes: number };
  readonly relay_outage: {
    readonly seconds: number;
    readonly writes: number;
    /** How long the nodes took to acknowledge. */
    readonly acknowledged: Spread;
    readonly outbox_records_before: number;
    readonly outbox_records_after: number;
  };
  readonly node_kill: {
    readonly node: string;
    /** Writes of the node's agents acknowledged before the kill. */
    readonly acknowledged_writes: number;
    /** Writes that were under way when the process died. */
    readonly unanswered_writes: number;
    readonly lost_records: number;
    readonly ready_ms: number;
  };
  readonly relay_return: { readonly ready_ms: number };
  readonly drain: {
    /** What waited before the relay returned. */
    readonly records: number;
    /** From the relay being ready until every node had called again: they try at growing intervals. */
    readonly contact_seconds: number;
    /** From then until the relay held all that had waited. */
    readonly seconds: number;
  };
  readonly comparison: Comparison;
  readonly ledger: { readonly acknowledged_writes: number; readonly lost_records: number };
  readonly dead_letters: number;
}

/** A process that was left running. */
export interface Running {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  readonly directory: string;
}

/** Every record of the nodes against every record of the relay. */
export interface Comparison {
  readonly node_records: number;
  readonly relay_records: number;
  /** Of the nodes' records as UTF-8 JSON text. */
  readonly bytes: number;
  readonly missing_on_relay: number;
  readonly missing_on_node: number;
  readonly different: number;
}

/** The account before it is known how it ends. */
export type Findings = Omit<Account, 'ok' | 'seconds' | 'folder' | 'running'>;

/** Whether nothing was lost and everything is equal. An empty comparison proves nothing and is none. */
export function isAllEqual({ node_kill: kill, comparison, ledger, dead_letters: deadLetters }: Findings): boolean {
  return areEqual(comparison) && kill.lost_records === 0 && ledger.lost_records === 0 && deadLetters === 0;
}

/** Whether both sides hold the same records, and any at all. */
export function areEqual(comparison: Comparison): boolean {
  const { missing_on_relay: onRelay, missing_on_node: onNode, different } = comparison;
  return comparison.node_records > 0 && onRelay + onNode + different === 0;
}

/** The spread of measurements in milliseconds, to tenths. Throws when there are none. */
export function spreadOf(measuredMs: readonly number[]): Spread {
  const sorted = measuredMs.toSorted((one, other) => one - other);
  const at = (share: number): number => {
    const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    if (value === undefined) throw new Error('nothing was measured');
    return Math.round(value * 10) / 10;
  };
  return { median_ms: at(0.5), p99_ms: at(0.99), slowest_ms: at(1) };
}
