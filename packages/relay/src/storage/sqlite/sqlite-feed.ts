import type { NodeReader } from '@holdfast/network';

import type { FeedPart, FeedScope, RelayFeed } from '../feed.ts';
import type { FeedTable } from './feed-table.ts';

/** The feed of a store in SQLite. Tells of what is committed, and only then. */
export class SqliteFeed implements RelayFeed {
  readonly #table: FeedTable;
  readonly #read: <Result>(run: () => Result) => Promise<Result>;
  readonly #callbacks = new Set<() => void>();

  /** `read` runs what reads the database, and explains what it throws. */
  constructor(table: FeedTable, read: <Result>(run: () => Result) => Promise<Result>) {
    this.#table = table;
    this.#read = read;
  }

  part(scope: FeedScope, afterPosition: number, knownPosition = 0): Promise<FeedPart> {
    return this.#read(() => this.#table.part(scope, afterPosition, knownPosition));
  }

  rights(reader: NodeReader): Promise<string> {
    return this.#read(() => this.#table.rights(reader));
  }

  onMoved(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  /** A commit moved the feed. */
  moved(): void {
    for (const callback of this.#callbacks) callback();
  }
}
