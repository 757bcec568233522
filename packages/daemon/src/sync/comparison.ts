/** What is known of an agent's records here and at the relay: the same, not the same, or never compared. */
export type DigestState = 'equal' | 'different' | 'unknown';

/** What to do about two digests: nothing, repair, or tell that repairing does not help. */
export type Verdict = 'rest' | 'repair' | 'diverged';

/** Repairs in a row after which something is wrong that repairing cannot mend. */
const MOST_REPAIRS = 3;
/** Then it is tried again with every so many sessions. */
const RESTED_SESSIONS = 10;

/** Remembers how comparing one agent's digests went, so that no repair is tried without end (protocol rule 12). */
export class Comparison {
  #state: DigestState = 'unknown';
  #repairs = 0;
  #sessions = 0;
  #isTold = false;

  /** What the last comparison said. */
  get state(): DigestState {
    return this.#state;
  }

  /** Two digests of the same records were compared, out of a session's answer or a batch's. */
  judge(isEqual: boolean, from: 'session' | 'batch'): Verdict {
    if (isEqual) {
      this.#state = 'equal';
      this.#repairs = 0;
      this.#sessions = 0;
      this.#isTold = false;
      return 'rest';
    }
    if (this.#repairs < MOST_REPAIRS) return 'repair';
    this.#state = 'different';
    if (!this.#isTold) {
      this.#isTold = true;
      return 'diverged';
    }
    if (from === 'session') this.#sessions += 1;
    if (this.#sessions < RESTED_SESSIONS) return 'rest';
    this.#sessions = 0;
    return 'repair';
  }

  /** A repair was done to its end; `differences` is how many records were not the same. */
  repaired(differences: number): void {
    this.#repairs += 1;
    if (differences > 0) this.#state = 'different';
  }
}
