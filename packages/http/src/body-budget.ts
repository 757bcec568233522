import { HoldfastError } from '@holdfast/protocol';

/** Four bodies of the greatest size by default: what is made of them takes several times as much. */
const BUDGET_BYTES = 64 * 1024 * 1024;

/** One body's part of the budget. */
export interface BodyShare {
  /** Takes further bytes for the body. Gives `queue-full` instead when all bodies together would be over the budget. */
  readonly take: (bytes: number) => HoldfastError | undefined;
  /** Gives back all it took. May be called again. */
  readonly release: () => void;
}

/**
 * Bounds what the bodies gathered at one time hold in memory, over all connections of a service, as sent and
 * decompressed: each alone is bounded already, but many small ones may swell at once. A body of any size is taken while
 * there is no other: one that were refused then would be refused for ever.
 */
export class BodyBudget {
  #takenBytes = 0;

  /** Opens a body's share; nothing is taken yet. */
  share(): BodyShare {
    let ownBytes = 0;
    return {
      take: (bytes) => {
        const isAlone = this.#takenBytes === ownBytes;
        if (this.#takenBytes + bytes > BUDGET_BYTES && !isAlone) {
          return new HoldfastError('queue-full', 'too many large bodies are being read', { retryAfterSeconds: 1 });
        }
        ownBytes += bytes;
        this.#takenBytes += bytes;
        return undefined;
      },
      release: () => {
        this.#takenBytes -= ownBytes;
        ownBytes = 0;
      },
    };
  }
}
