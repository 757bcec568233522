import type { RecordKey } from '@holdfast/protocol';

/** Whose a record is. */
export interface Owner {
  readonly node: string;
  readonly agent: string;
}

/** A record's key over the whole network. */
export type NetworkKey = Owner & RecordKey;

/** What a write makes of one record; `text` null: it is gone. */
export interface Effect {
  readonly key: NetworkKey;
  readonly text: string | null;
}

/** What was answered for one record. */
export interface Answer {
  readonly version: string;
  readonly seq: number;
}

/** A write that was sent. Until one of its methods is called, it may or may not have been carried out. */
export interface Attempt {
  readonly effects: readonly Effect[];
  /** It was answered: an answer for each effect. */
  acknowledged(answers: readonly Answer[]): void;
  /** It certainly did nothing. */
  refused(): void;
}

/** What is known of one record. */
export interface Entry {
  /** The latest write that was acknowledged. */
  readonly acked: (Answer & { readonly text: string | null }) | undefined;
  /** Later writes nobody answered. */
  readonly doubts: readonly (string | null)[];
}

interface State {
  acked: Entry['acked'];
  doubts: { readonly text: string | null; readonly attempt: Attempt }[];
}

/** Names a record in one line. */
export function keyText({ node, agent, resource, collection, id }: NetworkKey): string {
  return JSON.stringify([node, agent, resource, collection, id]);
}

/**
 * Everything agents wrote and what they were told, kept outside the processes that may be killed. Each record must be
 * written by one writer at a time.
 */
export class Ledger {
  readonly #states = new Map<string, State>();
  readonly #attempts = new Set<Attempt>();
  readonly #answers = new Map<string, Answer[]>();
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  #acknowledgedWrites = 0;
  #unansweredWrites = 0;

  /** Writes of one record that were acknowledged. */
  get acknowledgedWrites(): number {
    return this.#acknowledgedWrites;
  }

  /** How often a request ended without an answer, its outcome unknown. */
  get unansweredWrites(): number {
    return this.#unansweredWrites;
  }

  /** What is known of each record, by `keyText`. */
  get entries(): ReadonlyMap<string, Entry> {
    const known = [...this.#states].map(([key, { acked, doubts }]): [string, Entry] => [
      key,
      { acked, doubts: doubts.map(({ text }) => text) },
    ]);
    return new Map(known);
  }

  /** Keys of each unanswered write of several records that nothing else was tried on: all of it must be there, or none. */
  get undecidedBatches(): readonly (readonly string[])[] {
    const isAlone = (key: string, attempt: Attempt): boolean => {
      const { acked, doubts } = this.#state(key);
      return acked === undefined && doubts.length === 1 && doubts[0]?.attempt === attempt;
    };
    return [...this.#attempts]
      .map((attempt) => ({ attempt, keys: attempt.effects.map(({ key }) => keyText(key)) }))
      .filter(({ attempt, keys }) => keys.length > 1 && keys.every((key) => isAlone(key, attempt)))
      .map(({ keys }) => keys);
  }

  /** Every answer each agent got, by node and agent, in the order they came. */
  get answers(): ReadonlyMap<string, readonly Answer[]> {
    return this.#answers;
  }

  /** A write is about to be sent; several effects stand or fall together. */
  attempt(effects: readonly Effect[]): Attempt {
    const attempt: Attempt = {
      effects,
      acknowledged: (answers) => this.#acknowledge(attempt, answers),
      refused: () => this.#forget(attempt),
    };
    this.#attempts.add(attempt);
    for (const { key, text } of effects) this.#state(keyText(key)).doubts.push({ text, attempt });
    return attempt;
  }

  /** A request ended without an answer. */
  noteUnanswered(): void {
    this.#unansweredWrites += 1;
  }

  /** Resolves once so many more writes were acknowledged. */
  moreAcknowledged(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ count: this.#acknowledgedWrites + count, resolve });
    return promise;
  }

  #acknowledge(attempt: Attempt, answers: readonly Answer[]): void {
    if (answers.length !== attempt.effects.length) throw new Error('there must be an answer for each effect');
    this.#attempts.delete(attempt);
    for (const [at, { key, text }] of attempt.effects.entries()) {
      const answer = answers[at];
      if (answer === undefined) continue;
      const { version, seq } = answer;
      const state = this.#state(keyText(key));
      state.acked = { version, seq, text };
      state.doubts = [];
      this.#answersOf(key).push({ version, seq });
      this.#acknowledgedWrites += 1;
    }
    const due = this.#waiting.filter(({ count }) => count <= this.#acknowledgedWrites);
    this.#waiting = this.#waiting.filter((waiting) => !due.includes(waiting));
    for (const { resolve } of due) resolve();
  }

  #forget(attempt: Attempt): void {
    this.#attempts.delete(attempt);
    for (const { key } of attempt.effects) {
      const state = this.#state(keyText(key));
      state.doubts = state.doubts.filter((doubt) => doubt.attempt !== attempt);
    }
  }

  #state(key: string): State {
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const state: State = { acked: undefined, doubts: [] };
    this.#states.set(key, state);
    return state;
  }

  #answersOf({ node, agent }: Owner): Answer[] {
    const owner = `${node}/${agent}`;
    const known = this.#answers.get(owner);
    if (known !== undefined) return known;
    const answers: Answer[] = [];
    this.#answers.set(owner, answers);
    return answers;
  }
}
