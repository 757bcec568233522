import type { Key, Stored, Write } from './values.ts';

/** A deletion that was asked for. */
interface Asked {
  readonly node: string;
  readonly write: Write;
  /** By the node's clock, in milliseconds since 1970. */
  readonly atMs: number;
}

/**
 * Which deletion made a tombstone. A document says by its serial who wrote it; a tombstone has none, its version is known only
 * to callers who had an answer, and the sync may give it another one. Its time stays, and is that of the asking: no time
 * passes before the commit.
 */
export class Deletions {
  readonly #asked: Asked[] = [];

  /** A deletion was asked for. */
  asked(deletion: Asked): void {
    this.#asked.push(deletion);
  }

  /** A deletion was refused: it made no tombstone. */
  refused(write: Write): void {
    const at = this.#asked.findIndex((deletion) => deletion.write === write);
    if (at !== -1) this.#asked.splice(at, 1);
  }

  /** The deletion that made what stands under a key of a node; undefined if none did. Of several of one moment the last. */
  behind(node: string, key: Key, { updatedAtMs }: Stored): Write | undefined {
    return this.#asked.findLast(
      (deletion) => deletion.node === node && deletion.write.key === key && deletion.atMs === updatedAtMs,
    )?.write;
  }
}
