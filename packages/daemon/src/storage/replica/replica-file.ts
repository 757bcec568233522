import { existsSync } from 'node:fs';

import { HoldfastError, isHoldfastError, type NetworkQuery, type SubscriptionScope } from '@holdfast/protocol';
import { isDamage, isSqliteError, translateSqliteError } from '@holdfast/sqlite';
import { QueryPool, type QueryResult, removeDatabase, runQueryIn } from '@holdfast/store';
import type { Logger } from 'pino';

import { ReplicaTables, type ReplicaView } from './replica-tables.ts';

/** How many queries run at once, each in a process, and for how long at most. */
const QUERIES = { processes: 2, seconds: 10 };

/** What the replica's file needs from its surroundings. */
export interface ReplicaFileOptions {
  readonly path: string;
  readonly log: Logger;
}

/**
 * The file of what a node subscribed to. All of it is at the relay, so it never stands in anybody's way: a damaged file, or one of a newer
 * schema, is removed, the log says so once, and it is read anew. While the node subscribes to nothing there is none.
 */
export class ReplicaFile {
  readonly #options: ReplicaFileOptions;
  #wanted: ReadonlyMap<string, SubscriptionScope> = new Map();
  #tables: ReplicaTables | undefined;
  #queries: QueryPool | undefined;

  constructor(options: ReplicaFileOptions) {
    this.#options = options;
  }

  /** Keeps what these subscriptions are of, and is opened or removed for that. Throws like `use`. */
  want(wanted: ReadonlyMap<string, SubscriptionScope>): void {
    this.#wanted = wanted;
    if (wanted.size === 0) this.#remove();
    else this.use((tables) => tables.fit(wanted));
  }

  /**
   * Does something with the file. Throws `storage-failed` or `disk-full`: if the file is damaged, the next call finds it made anew.
   */
  use<Result>(work: (tables: ReplicaTables) => Result): Result {
    const tables = this.#opened();
    try {
      return work(tables);
    } catch (error) {
      if (isDamage(error)) this.#giveUp(error);
      throw translateSqliteError(error, `${this.#options.path} could not be used`);
    }
  }

  /** Like `use`, but with undefined for an answer while there is no file, or none that can be used. */
  tryUse<Result>(work: (tables: ReplicaTables) => Result): Result | undefined {
    if (this.#wanted.size === 0) return undefined;
    try {
      return this.use(work);
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      return undefined;
    }
  }

  /**
   * Runs a query in a process of its own, so that nobody else waits for it. Throws like `use`, and `invalid-request`, `query-timeout`,
   * `query-failed`.
   */
  async query(query: NetworkQuery, view: ReplicaView, signal?: AbortSignal): Promise<QueryResult> {
    const scope = this.use((tables) => tables.scopeOf(query, view));
    const queries = (this.#queries ??= new QueryPool({ path: this.#options.path, ...QUERIES }));
    try {
      return await runQueryIn(queries, query, scope, signal);
    } catch (error) {
      if (isDamage(error) && queries === this.#queries) this.#giveUp(error);
      throw translateSqliteError(error, `${this.#options.path} could not be read`);
    }
  }

  /** Ends the queries; resolves when nothing reads the file any more. */
  async endQueries(): Promise<void> {
    const queries = this.#queries;
    this.#queries = undefined;
    await queries?.stop();
  }

  /** Closes the file, for good. */
  close(): void {
    this.#wanted = new Map();
    this.#leave();
  }

  #leave(): void {
    void this.endQueries();
    this.#tables?.close();
    this.#tables = undefined;
  }

  #opened(): ReplicaTables {
    if (this.#wanted.size === 0) throw new HoldfastError('not-subscribed', 'this node subscribes to nothing');
    this.#tables ??= this.#open();
    return this.#tables;
  }

  #open(): ReplicaTables {
    const { path } = this.#options;
    try {
      return this.#fitted(new ReplicaTables(path));
    } catch (error) {
      if (!isUseless(error)) throw error;
      this.#giveUp(error);
      return this.#fitted(new ReplicaTables(path));
    }
  }

  #fitted(tables: ReplicaTables): ReplicaTables {
    try {
      tables.fit(this.#wanted);
      return tables;
    } catch (error) {
      tables.close();
      throw error;
    }
  }

  #giveUp(error: unknown): void {
    const reason = isNewer(error) ? 'schema-newer' : 'damaged';
    this.#options.log.warn(
      { reason },
      'the file of what this node subscribed to cannot be used: it is removed, and read from the relay anew',
    );
    this.#remove();
  }

  #remove(): void {
    this.#leave();
    if (existsSync(this.#options.path)) removeDatabase(this.#options.path);
  }
}

function isNewer(error: unknown): boolean {
  return isHoldfastError(error) && error.code === 'schema-newer';
}

/** Whether an error says that a file is damaged, of a newer schema, or not ours at all: and nothing of the disk. */
function isUseless(error: unknown): boolean {
  const raised = error instanceof HoldfastError ? error.cause : error;
  return isNewer(error) || isDamage(error) || (isSqliteError(raised) && raised.code === 'SQLITE_ERROR');
}
