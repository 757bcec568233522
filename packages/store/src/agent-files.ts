import { join } from 'node:path';

import { type CommitConfig, HoldfastError, type HybridClock, isHoldfastError, type Now } from '@holdfast/protocol';
import { isSqliteError, openForReading, scanWal, type StorageGuard, unguarded, type WalScan } from '@holdfast/sqlite';

import type { AgentSummary } from './agent-figures.ts';
import { AgentStore } from './agent-store.ts';
import type { Problem } from './check/report.ts';
import { checkSchema } from './check/structure.ts';
import { DamageGuard } from './damage-guard.ts';
import type { CollectionsByResource } from './written-collections.ts';

/** Who looks after the files: decides whether one may be opened, and is told what is found wrong with it. */
export interface FileWatch {
  /** Before a file is opened. Throws, with a code of the catalogue, to keep it shut. */
  readonly admit: (agent: string) => void;
  /** What its write-ahead log was like before this process first opened it; `rotten` never comes here. */
  readonly scanned: (agent: string, scan: WalScan) => void;
  /** After a file was opened, before it is used. Throws to have it closed again. */
  readonly opened: (agent: string, store: AgentStore) => void;
  /**
   * A file is damaged. Returns what its callers are told; the file is not to be opened again. Called from the middle of
   * reads and writes: the file may be moved and closed only later (`abandon`).
   */
  readonly damaged: (agent: string, reason: string) => HoldfastError;
}

/** What the files of a node's agents share. */
export interface AgentFilesOptions {
  /** Where the files stand, one `<agent>.db` each. */
  readonly directory: string;
  readonly clock: HybridClock;
  readonly now: Now;
  readonly commit: CommitConfig;
  /** Most files held open at once. More are open only while all of them are busy. */
  readonly maxOpen: number;
  /** See `AgentStoreOptions.onCommit`. */
  readonly onCommit: (agent: string, written: CollectionsByResource) => void;
  /** Called when an agent's file was left, so that another may take its place. Must not throw. Default: nobody is told. */
  readonly onLeft?: ((agent: string) => void) | undefined;
  /** What is asked and told when the disk fails. Default: nobody. */
  readonly guard?: StorageGuard | undefined;
  /** Called when a file was opened and may be used, before anybody does. Must not throw. */
  readonly onOpened?: ((agent: string, store: AgentStore) => void) | undefined;
  /** Without one, a damaged file is refused wherever it is met, and stays where it is. */
  readonly watch?: FileWatch;
}

const unwatched: FileWatch = {
  admit: () => undefined,
  scanned: () => undefined,
  opened: () => undefined,
  damaged: (agent, reason) => damageError(agent, reason),
};

/**
 * The agent files of a node, opened when needed, the least recently used ones closed.
 *
 * A store may be closed as soon as the caller gives up control: take it from `get`, use it at once, and take it again
 * after an await. A write handed over counts as use until it is answered.
 *
 * Before a file is first opened its write-ahead log is read: SQLite takes a flipped bit there for the torn end of a crash
 * and drops every later commit without a word. A damaged file is never opened, and one that turns out to be damaged is
 * left at once.
 */
export class AgentFiles {
  readonly #options: AgentFilesOptions;
  readonly #watch: FileWatch;
  // A Map keeps its keys in the order they were set: the first is the least recently used.
  readonly #open = new Map<string, AgentStore>();
  readonly #guards = new WeakMap<AgentStore, DamageGuard>();
  /** What closed files held: it cannot change until they are opened again. */
  readonly #closed = new Map<string, AgentSummary>();
  /** Whose write-ahead log was read: from then on it is ours. */
  readonly #scanned = new Set<string>();

  constructor(options: AgentFilesOptions) {
    this.#options = options;
    this.#watch = options.watch ?? unwatched;
  }

  /** Files open now. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Where an agent's file stands. The name must be a valid one: it becomes a file name. */
  pathOf(agent: string): string {
    return join(this.#options.directory, `${agent}.db`);
  }

  /**
   * The store of an agent. Throws what opening a file throws, `file-damaged`, and what `FileWatch.admit` and `opened`
   * throw.
   */
  get(agent: string): AgentStore {
    const known = this.#open.get(agent);
    if (known !== undefined) {
      this.#open.delete(agent);
      this.#open.set(agent, known);
      // After a time when all were busy, one with each call: closing takes time.
      if (this.#open.size > this.#options.maxOpen) this.#closeOne(known);
      return known;
    }
    this.#watch.admit(agent);
    while (this.#open.size >= this.#options.maxOpen && this.#closeOne());
    const store = this.#openFile(agent);
    this.#open.set(agent, store);
    this.#closed.delete(agent);
    return store;
  }

  /** An agent's file in numbers; one that was closed meanwhile is not opened for it. */
  summary(agent: string): AgentSummary {
    return this.#open.get(agent)?.summary() ?? this.#closed.get(agent) ?? this.get(agent).summary();
  }

  /** How far an agent's stream is; undefined for a file this process has not opened. Opens nothing. */
  lastSeq(agent: string): number | undefined {
    return this.counters(agent)?.lastSeq;
  }

  /** How far an agent's stream is and how much of it waits, as `lastSeq`. */
  counters(agent: string): Pick<AgentSummary, 'lastSeq' | 'outbox'> | undefined {
    return this.#open.get(agent)?.counters ?? this.#closed.get(agent);
  }

  /** Commits what waits, closes an agent's file and forgets all about it, so that another may take its place. */
  withdraw(agent: string): void {
    const store = this.#open.get(agent);
    this.#forget(agent);
    store?.close();
  }

  /**
   * Leaves an agent's damaged file: what waits to be written is refused with `error`, and nothing more is written. The
   * function returned closes the file; call it when the file was moved, or SQLite would write its log into it first.
   */
  abandon(agent: string, error: HoldfastError): () => void {
    const store = this.#open.get(agent);
    this.#forget(agent);
    if (store !== undefined) this.#guards.get(store)?.refuse(error);
    return () => store?.close();
  }

  /** A check has found an agent's file damaged. Must not be called from within a read or write of it. */
  reportDamage(agent: string, reason: string): void {
    this.#watch.damaged(agent, reason);
  }

  /** Commits what waits and closes every file. */
  close(): void {
    for (const store of this.#open.values()) store.close();
    this.#open.clear();
  }

  #openFile(agent: string): AgentStore {
    const path = this.pathOf(agent);
    this.#scan(agent, path);
    const { clock, now, commit, onCommit, guard: behind = unguarded } = this.#options;
    const guard = new DamageGuard(behind, (error) => this.#watch.damaged(agent, reasonOf(error)));
    const store = translating(guard, path, () => {
      return new AgentStore({ path, clock, now, commit, guard, onCommit: (written) => onCommit(agent, written) });
    });
    this.#guards.set(store, guard);
    try {
      this.#watch.opened(agent, store);
      this.#options.onOpened?.(agent, store);
      return store;
    } catch (error) {
      store.close();
      throw error;
    }
  }

  #scan(agent: string, path: string): void {
    if (this.#scanned.has(agent)) return;
    const scan = scanLog(path);
    if (scan.state === 'rotten') {
      const behind = `${scan.unreachableCommits} transactions cannot be reached`;
      throw this.#watch.damaged(agent, `its write-ahead log is damaged at byte ${scan.offset}: ${behind}`);
    }
    this.#watch.scanned(agent, scan);
    this.#scanned.add(agent);
  }

  #forget(agent: string): void {
    this.#open.delete(agent);
    this.#closed.delete(agent);
    this.#scanned.delete(agent);
    this.#options.onLeft?.(agent);
  }

  /** Closes the idle file that was used least recently; false if there is none. */
  #closeOne(inUse?: AgentStore): boolean {
    for (const [agent, store] of this.#open) {
      if (!store.isIdle || store === inUse) continue;
      const summary = summaryOf(store);
      if (summary === undefined) continue;
      this.#open.delete(agent);
      this.#closed.set(agent, summary);
      store.close();
      return true;
    }
    return false;
  }
}

/** What a caller is told whose agent's file is damaged. */
export function damageError(agent: string, reason: string): HoldfastError {
  return new HoldfastError('file-damaged', `the file of agent "${agent}": ${reason}`);
}

function scanLog(path: string): WalScan {
  try {
    return scanWal(path);
  } catch (cause) {
    throw new HoldfastError('storage-failed', `the write-ahead log of ${path} cannot be read`, { cause });
  }
}

function translating<Result>(guard: StorageGuard, path: string, open: () => Result): Result {
  try {
    return open();
  } catch (error) {
    throw guard.translate(meaningOf(error, path), 'the file could not be opened', path);
  }
}

/** What an error on opening speaks of: a schema that rotted does not say so, SQLite just misses what our statements name. */
function meaningOf(error: unknown, path: string): unknown {
  if (!isSqliteError(error) || error.code !== 'SQLITE_ERROR') return error;
  try {
    const [problem] = schemaProblems(path);
    return problem === undefined ? error : new HoldfastError('file-damaged', problem.detail, { cause: error });
  } catch (worse) {
    return worse;
  }
}

function schemaProblems(path: string): readonly Problem[] {
  const database = openForReading(path);
  try {
    return checkSchema(database, 'agent');
  } finally {
    database.close();
  }
}

/** A file that cannot be summed up just now is not the business of whoever needs its place. */
function summaryOf(store: AgentStore): AgentSummary | undefined {
  try {
    return store.summary();
  } catch (error) {
    if (isHoldfastError(error)) return undefined;
    throw error;
  }
}

/** SQLite's code and nothing else: its words may quote what stands in the file. */
function reasonOf(error: unknown): string {
  if (isHoldfastError(error, 'file-damaged')) return error.message;
  const cause = error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_');
  if (cause) return `SQLite says ${String((error as { code: unknown }).code)}`;
  return error instanceof Error && error.cause !== undefined ? reasonOf(error.cause) : 'SQLite cannot read it';
}
