import { type CommitConfig, HoldfastError } from '@holdfast/protocol';
import { type Database, type Statement, type StorageGuard, unguarded } from '@holdfast/sqlite';

/** Turns of the event loop that a transaction waits for requests at most, as long as each brings some. */
const GATHERED_TURNS = 5;

/** What became of one unit of work: its result, or the error that undid it. */
export type Outcome<Result> =
  | { readonly ok: true; readonly value: Result }
  | { readonly ok: false; readonly error: unknown };

/** Work that shares a transaction with its neighbours. */
export interface Unit<Result> {
  /** Runs inside the transaction. Throwing undoes this unit alone. */
  readonly run: () => Result;
  /** Bytes it will roughly write; bounds the transaction and the queue. */
  readonly bytes: number;
  /**
   * Whether it writes with one statement at most, and only after everything that may refuse it. SQLite undoes a failing
   * statement by itself, so such a unit needs no savepoint.
   */
  readonly isOneStatement?: boolean;
}

/** What the owner of the database keeps in memory beside it, moved and moved back with the transaction. */
export interface TransactionHooks {
  /** Before the transaction begins: ends whatever the connection is in the middle of. */
  readonly beforeBegin?: () => void;
  /** Before a unit runs: returns what undoes the unit's changes in memory. */
  readonly savepoint: () => () => void;
  /** Before the commit, inside the transaction: writes down what is kept in memory. */
  readonly beforeCommit: () => void;
  /** After the commit, before any caller is answered. */
  readonly afterCommit: () => void;
}

/** What moves and moves back with a transaction. */
interface Movable {
  readonly savepoint: () => () => void;
}

/** One savepoint of several parts. */
export function savepointOf(...parts: readonly Movable[]): () => () => void {
  return () => {
    const undo = parts.map((part) => part.savepoint());
    return () => undo.forEach((each) => each());
  };
}

interface Job {
  readonly units: readonly Unit<unknown>[];
  readonly outcomes: Outcome<unknown>[];
  readonly resolve: (outcomes: Outcome<unknown>[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: requests that arrive together share one transaction, and so one fsync; so do those that follow on one another, turn by
 * turn of the event loop, for a few turns. Each unit has a savepoint of its
 * own, so a failing one undoes itself only; all are answered after the commit. If the commit fails, all fail. Once the
 * guard says that the disk failed, nothing commits any more, whatever waits or comes.
 *
 * A transaction is bounded by units, bytes and time (`CommitConfig`), the queue by units and bytes.
 */
export class GroupCommit {
  readonly #database: Database;
  readonly #config: CommitConfig;
  readonly #hooks: TransactionHooks;
  readonly #guard: StorageGuard;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #rollback: Statement;
  readonly #savepoint: Statement;
  readonly #release: Statement;
  readonly #rollbackTo: Statement;
  readonly #queue: Job[] = [];
  #queuedUnits = 0;
  #queuedBytes = 0;
  #flushing: NodeJS.Immediate | undefined;

  constructor(database: Database, config: CommitConfig, hooks: TransactionHooks, guard: StorageGuard = unguarded) {
    this.#database = database;
    this.#config = config;
    this.#hooks = hooks;
    this.#guard = guard;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
    this.#rollback = database.prepare('ROLLBACK');
    this.#savepoint = database.prepare('SAVEPOINT unit');
    this.#release = database.prepare('RELEASE unit');
    this.#rollbackTo = database.prepare('ROLLBACK TO unit');
  }

  /** Whether nothing waits: the database may be closed. */
  get isIdle(): boolean {
    return this.#queue.length === 0;
  }

  /**
   * Runs one unit in the next transaction; resolves after its commit. Rejects with what the unit threw, with
   * `queue-full` at once when too much waits, with `storage-failed`, `storage-read-only` or `disk-full` when the
   * transaction failed.
   */
  async run<Result>(unit: Unit<Result>): Promise<Result> {
    const [outcome] = await this.runEach([unit]);
    return valueOf(outcome);
  }

  /** Runs one unit with everything that waits, and commits it before it returns. Throws what `run` rejects with. */
  runNow<Result>(unit: Unit<Result>): Result {
    let settled: Outcome<Result> | undefined;
    this.#queuedUnits += 1;
    this.#queuedBytes += unit.bytes;
    this.#queue.push({
      units: [unit],
      outcomes: [],
      resolve: ([outcome]) => (settled = outcome as Outcome<Result>),
      reject: (error) => (settled = { ok: false, error }),
    });
    this.drain();
    return valueOf(settled);
  }

  /** Runs several units, each for itself, in one transaction. Resolves with an outcome for each, in order. */
  runEach<Result>(units: readonly Unit<Result>[]): Promise<Outcome<Result>[]> {
    const bytes = units.reduce((sum, unit) => sum + unit.bytes, 0);
    // An empty queue takes a job of any size: one that were refused now would be refused for ever.
    const isOver =
      this.#queuedUnits + units.length > this.#config['commit.queue'] ||
      this.#queuedBytes + bytes > this.#config['commit.queueBytes'];
    if (isOver && this.#queuedUnits > 0) {
      return Promise.reject(queueFull(this.#queuedUnits));
    }
    this.#queuedUnits += units.length;
    this.#queuedBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#queue.push({ units, outcomes: [], resolve: resolve as Job['resolve'], reject });
      this.#flushing ??= this.#gather(GATHERED_TURNS);
    });
  }

  /** Commits everything that waits, now. */
  drain(): void {
    while (this.#queue.length > 0) this.#flush();
  }

  // Each further request in the transaction costs much less than the next transaction; a request that comes alone waits for nobody.
  #gather(turns: number): NodeJS.Immediate {
    const seenUnits = this.#queuedUnits;
    return setImmediate(() => {
      const isGrowing = this.#queuedUnits > seenUnits && !this.#isFull;
      if (isGrowing && turns > 1) this.#flushing = this.#gather(turns - 1);
      else this.#flush();
    });
  }

  get #isFull(): boolean {
    return this.#queuedUnits >= this.#config['commit.operations'] || this.#queuedBytes >= this.#config['commit.bytes'];
  }

  #flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    const undoAll = this.#hooks.savepoint();
    const jobs: Job[] = [];
    try {
      this.#guard.assertSound();
      this.#hooks.beforeBegin?.();
      this.#begin.run();
      this.#runJobs(jobs);
      // A unit may have met what its neighbours must not be acknowledged after.
      this.#guard.assertSound();
      this.#hooks.beforeCommit();
      this.#commit.run();
    } catch (error) {
      const reason = this.#guard.translate(error, 'the transaction failed', this.#database.name);
      this.#rollBack();
      undoAll();
      // Nothing ran when even BEGIN failed: then all that wait are told, instead of trying again without end.
      const failed = jobs.length > 0 ? jobs : this.#queue.splice(0);
      this.#finish(failed, (job) => job.reject(reason));
      return;
    }
    try {
      this.#hooks.afterCommit();
    } finally {
      // Stored is stored, whatever became of the hook.
      this.#finish(jobs, (job) => job.resolve(job.outcomes));
    }
  }

  // One that does not end stays open: no further one can begin on this connection, and so nothing of it is ever committed.
  #rollBack(): void {
    try {
      if (this.#database.inTransaction) this.#rollback.run();
    } catch (error) {
      this.#guard.translate(error, 'a transaction could not be undone', this.#database.name);
    }
  }

  #runJobs(jobs: Job[]): void {
    const until = performance.now() + this.#config['commit.milliseconds'];
    let units = 0;
    let bytes = 0;
    do {
      const job = this.#queue.shift();
      if (job === undefined) return;
      jobs.push(job);
      for (const unit of job.units) {
        job.outcomes.push(this.#runUnit(unit));
        units += 1;
        bytes += unit.bytes;
      }
    } while (
      units < this.#config['commit.operations'] &&
      bytes < this.#config['commit.bytes'] &&
      performance.now() < until
    );
  }

  #runUnit(unit: Unit<unknown>): Outcome<unknown> {
    const undo = this.#hooks.savepoint();
    const hasSavepoint = unit.isOneStatement !== true;
    if (hasSavepoint) this.#savepoint.run();
    try {
      const value = unit.run();
      if (hasSavepoint) this.#release.run();
      return { ok: true, value };
    } catch (error) {
      // A full disk or an I/O error may end the whole transaction: then none of its neighbours is stored either.
      if (!this.#database.inTransaction) throw error;
      if (hasSavepoint) {
        this.#rollbackTo.run();
        this.#release.run();
      }
      undo();
      return { ok: false, error: this.#guard.translate(error, 'the write failed', this.#database.name) };
    }
  }

  #finish(jobs: readonly Job[], settle: (job: Job) => void): void {
    for (const job of jobs) {
      this.#queuedUnits -= job.units.length;
      for (const unit of job.units) this.#queuedBytes -= unit.bytes;
      settle(job);
    }
    if (this.#queue.length > 0) this.#flushing ??= setImmediate(() => this.#flush());
  }
}

function valueOf<Result>(outcome: Outcome<Result> | undefined): Result {
  if (outcome === undefined) throw new Error('a unit was left without an outcome');
  if (!outcome.ok) throw outcome.error;
  return outcome.value;
}

function queueFull(waiting: number): HoldfastError {
  return new HoldfastError('queue-full', `${waiting} operations wait for their commit`, { retryAfterSeconds: 1 });
}
