/** One record to be written; `text` null: to be deleted. */
export interface Entry {
  readonly id: string;
  readonly text: string | null;
}

/** A record as it was read. */
export interface Found {
  readonly version: string;
  readonly text: string;
}

/** Writes that were sent. */
export interface Sent {
  /** The entry at this place was answered. */
  acknowledged(at: number, version: string): void;
}

interface State {
  acked: { readonly version: string; readonly text: string | null } | undefined;
  doubts: (string | null)[];
}

interface Batch {
  readonly entries: readonly Entry[];
  readonly isAtomic: boolean;
  unanswered: number;
}

/**
 * What one agent was told, for many small writes to few records: checked and begun anew after each fault, so that a lost
 * write is not hidden by a later one. Each record has one writer.
 */
export class Books {
  readonly #states = new Map<string, State>();
  readonly #undecided = new Set<Batch>();
  #acknowledged = 0;
  #disordered: string[] = [];
  /** No version given from now on may be below it. */
  #floor = '';

  /** Writes that were acknowledged since the beginning. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Whether a record is certainly there. */
  holds(id: string): boolean {
    const state = this.#states.get(id);
    return state !== undefined && typeof state.acked?.text === 'string' && state.doubts.length === 0;
  }

  /** Writes are about to be sent, to records each named once; atomic ones stand or fall together. */
  send(entries: readonly Entry[], isAtomic: boolean): Sent {
    const batch: Batch = { entries, isAtomic, unanswered: entries.length };
    this.#undecided.add(batch);
    for (const { id, text } of entries) this.#state(id).doubts.push(text);
    return { acknowledged: (at, version) => this.#acknowledge(batch, at, version) };
  }

  /**
   * What of it is broken in what was found, one line each. Afterwards what was found counts as acknowledged: unanswered
   * writes that are there must stay there.
   */
  check(found: ReadonlyMap<string, Found>): readonly string[] {
    const problems = [...this.#halves(found), ...this.#losses(found)];
    for (const id of found.keys()) if (!this.#states.has(id)) problems.push(`nobody wrote it: ${id}`);
    for (const id of this.#disordered) problems.push(`an older version after a newer one: ${id}`);
    this.#takeOver(found);
    return problems;
  }

  #acknowledge(batch: Batch, at: number, version: string): void {
    const entry = batch.entries[at];
    if (entry === undefined) throw new Error(`there is no write ${at}`);
    // Writers are answered in any order; but nobody is given a version that was passed before the last check.
    const state = this.#state(entry.id);
    if (version <= this.#floor || version <= (state.acked?.version ?? '')) this.#disordered.push(entry.id);
    state.acked = { version, text: entry.text };
    state.doubts = [];
    this.#acknowledged += 1;
    batch.unanswered -= 1;
    if (batch.unanswered === 0) this.#undecided.delete(batch);
  }

  #losses(found: ReadonlyMap<string, Found>): string[] {
    return [...this.#states].flatMap(([id, { acked, doubts }]) => {
      const there = found.get(id);
      const text = there?.text ?? null;
      const isAcked = text === (acked?.text ?? null) && (there === undefined || there.version === acked?.version);
      if (isAcked) return [];
      const isLater = there === undefined || there.version > (acked?.version ?? '');
      return doubts.includes(text) && isLater ? [] : [`not as acknowledged: ${id}`];
    });
  }

  #halves(found: ReadonlyMap<string, Found>): string[] {
    const broken = [...this.#undecided].filter(({ entries, isAtomic }) => {
      const there = entries.filter(({ id, text }) => text === (found.get(id)?.text ?? null)).length;
      return isAtomic && there > 0 && there < entries.length;
    });
    return broken.map(({ entries }) => `half a batch: ${entries.map(({ id }) => id).join(' ')}`);
  }

  #takeOver(found: ReadonlyMap<string, Found>): void {
    this.#undecided.clear();
    this.#disordered = [];
    for (const { version } of found.values()) if (version > this.#floor) this.#floor = version;
    for (const [id, state] of this.#states) {
      const there = found.get(id);
      if (there !== undefined) state.acked = there;
      else if (state.acked !== undefined) state.acked = { ...state.acked, text: null };
      state.doubts = [];
    }
  }

  #state(id: string): State {
    const known = this.#states.get(id);
    if (known !== undefined) return known;
    const state: State = { acked: undefined, doubts: [] };
    this.#states.set(id, state);
    return state;
  }
}
