import type { CommitConfig } from '@holdfast/protocol';
import type { Database, Statement, StorageGuard } from '@holdfast/sqlite';
import { GroupCommit, type Leases, SqliteLeases } from '@holdfast/store';

/** Rough size of what is written of a lease. */
const LEASE_BYTES = 256;

/** The locks of the node, and what it remembers of those of the network. Those who ask at once share a transaction. */
export class NodeLeases {
  /** Who holds which lock of the node. */
  readonly leases: Leases;
  readonly #commits: GroupCommit;
  readonly #note: Statement;
  #networkFence: number;

  constructor(database: Database, config: CommitConfig, guard: StorageGuard) {
    const hooks = { savepoint: () => nothing, beforeCommit: nothing, afterCommit: nothing };
    this.#commits = new GroupCommit(database, config, hooks, guard);
    this.leases = new SqliteLeases({ database, write: (run) => this.#commits.run({ run, bytes: LEASE_BYTES }) });
    this.#networkFence = database.prepare('SELECT network_fence FROM node WHERE id = 1').pluck().get() as number;
    this.#note = database.prepare('UPDATE node SET network_fence = max(network_fence, ?) WHERE id = 1');
  }

  /** The highest fence of a lease of the network that was seen here; 0: none was. */
  get networkFence(): number {
    return this.#networkFence;
  }

  /** Notes a fence of the network; it is on the disk when this resolves. */
  async seen(fence: number): Promise<void> {
    if (fence <= this.#networkFence) return;
    await this.#commits.run({ run: () => this.#note.run(fence), bytes: LEASE_BYTES });
    this.#networkFence = Math.max(this.#networkFence, fence);
  }

  /** Writes what waits to be written, and grants nothing more. */
  close(): void {
    this.leases.stop();
    this.#commits.drain();
  }
}

function nothing(): void {
  // Nothing of it is kept in memory.
}
