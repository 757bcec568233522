/** Collections by resource. */
export type CollectionsByResource = ReadonlyMap<string, ReadonlySet<string>>;

const NONE: CollectionsByResource = new Map();

/** Which collections were written to since it was last asked. It may name one whose write was undone, and leaves none out. */
export class WrittenCollections {
  #written: Map<string, Set<string>> | undefined;

  /** Notes that a record was placed. */
  note(resource: string, collection: string): void {
    this.#written ??= new Map();
    const known = this.#written.get(resource);
    if (known === undefined) this.#written.set(resource, new Set([collection]));
    else known.add(collection);
  }

  /** Gives what was noted, and begins anew. */
  take(): CollectionsByResource {
    const written = this.#written ?? NONE;
    this.#written = undefined;
    return written;
  }
}
