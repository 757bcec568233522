import { type InterestChanges, limits } from '@holdfast/protocol';

/** To what agents of this node listen. */
export type Interest = InterestChanges['changes'][number];

/** Tells apart what is listened to, and for whom. */
export function keyOf({ resource, pattern, agent }: Interest): string {
  return JSON.stringify([resource, pattern, agent]);
}

/** Tells the relay; resolves with whether it knows now. */
export type TellInterests = (changes: readonly Interest[]) => Promise<boolean>;

/** Tells the relay what changed of the interests: one call at a time, and in it all that changed since the one before. */
export class InterestTeller {
  readonly #tell: TellInterests;
  readonly #onLost: () => void;
  #changes = new Map<string, Interest>();
  #telling: Promise<void> | undefined;

  /** `onLost`: the relay does not know, and has to be told everything anew. */
  constructor(tell: TellInterests, onLost: () => void) {
    this.#tell = tell;
    this.#onLost = onLost;
  }

  /** So many listen from now on. */
  changed(interest: Interest): void {
    this.#changes.set(keyOf(interest), interest);
    this.#telling ??= this.#tellAll();
  }

  /** Resolves once all that changed so far was told, or could not be. */
  async told(): Promise<void> {
    await this.#telling;
  }

  async #tellAll(): Promise<void> {
    // What changes in the same turn goes together.
    await Promise.resolve();
    while (this.#changes.size > 0) {
      const changes = [...this.#changes.values()].slice(0, limits.interests);
      this.#changes = new Map([...this.#changes].slice(changes.length));
      if (!(await this.#tell(changes))) {
        this.#changes.clear();
        this.#onLost();
      }
    }
    this.#telling = undefined;
  }
}
