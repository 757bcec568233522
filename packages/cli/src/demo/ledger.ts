import { keyOf, type Owner, type Stored } from './stored.ts';
import type { Write } from './workload.ts';

/** What an agent was promised about one record. */
interface Entry {
  readonly node: string;
  /** The latest write that was acknowledged; `text` null for a deletion. Undefined while there is none. */
  acked?: { readonly version: string | undefined; readonly text: string | null };
  /** A write that was sent and not answered yet; it may or may not have been carried out. */
  pending?: { readonly text: string | null };
}

/** What became of the acknowledged writes. */
interface LedgerCheck {
  /** Acknowledged writes that were looked at, earlier ones of the same record included. */
  readonly writes: number;
  /** Keys of records that are not as the latest acknowledged write left them. */
  readonly lost: readonly string[];
}

/** The demo's own log of what agents wrote and what was acknowledged. Each record must be written by one lane only. */
export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly #writesByNode = new Map<string, number>();

  /** Acknowledged writes so far. */
  get writes(): number {
    return [...this.#writesByNode.values()].reduce((sum, count) => sum + count, 0);
  }

  /** A write is about to be sent. */
  sent(owner: Owner, write: Write): void {
    const key = keyOf(owner, write);
    const entry = this.#entries.get(key) ?? { node: owner.node };
    entry.pending = { text: textOf(write) };
    this.#entries.set(key, entry);
  }

  /** It was acknowledged. `version` undefined: a deletion that found its work done. */
  acknowledged(owner: Owner, write: Write, version: string | undefined): void {
    const entry = this.#entries.get(keyOf(owner, write));
    if (entry === undefined) throw new Error('acknowledged what was never sent');
    entry.acked = { version, text: textOf(write) };
    delete entry.pending;
    this.#writesByNode.set(owner.node, (this.#writesByNode.get(owner.node) ?? 0) + 1);
  }

  /** Holds the log against what is stored, for one node or for all. */
  check(stored: ReadonlyMap<string, Stored>, node?: string): LedgerCheck {
    const entries = [...this.#entries].filter(([, entry]) => node === undefined || entry.node === node);
    const lost = entries.filter(([key, entry]) => !isKept(entry, stored.get(key))).map(([key]) => key);
    return { writes: node === undefined ? this.writes : (this.#writesByNode.get(node) ?? 0), lost };
  }
}

function textOf(write: Write): string | null {
  return write.op === 'put' ? JSON.stringify(write.doc) : null;
}

/** Whether a record is as its latest acknowledged write left it, or as the unanswered one after that would. */
function isKept({ acked, pending }: Entry, stored: Stored | undefined): boolean {
  const text = stored?.doc ?? null;
  if (text === (acked?.text ?? null) && (stored === undefined || stored.version === acked?.version)) return true;
  return pending !== undefined && text === pending.text && (stored?.version ?? '~') > (acked?.version ?? '');
}
