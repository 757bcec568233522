import { join } from 'node:path';

import type { CommitConfig, HybridClock, Now } from '@holdfast/protocol';

import { AgentStore, type AgentSummary } from './agent-store.ts';

/** What the files of a node's agents share. */
export interface AgentFilesOptions {
  /** Where the files stand, one `<agent>.db` each. */
  readonly directory: string;
  readonly clock: HybridClock;
  readonly now: Now;
  readonly commit: CommitConfig;
  /** Most files held open at once. More are open only while all of them are busy. */
  readonly maxOpen: number;
  /** Called after each commit that gave out seqs. Must not throw. */
  readonly onCommit: (agent: string) => void;
}

/**
 * The agent files of a node, opened when needed, the least recently used ones closed.
 *
 * A store may be closed as soon as the caller gives up control: take it from `get`, use it at once, and take it again
 * after an await. A write handed over counts as use until it is answered.
 */
export class AgentFiles {
  readonly #options: AgentFilesOptions;
  // A Map keeps its keys in the order they were set: the first is the least recently used.
  readonly #open = new Map<string, AgentStore>();
  /** What closed files held: it cannot change until they are opened again. */
  readonly #closed = new Map<string, AgentSummary>();

  /** What closed files must be told when they are opened again: where this process found them. */
  readonly #bootSeqs = new Map<string, number>();

  constructor(options: AgentFilesOptions) {
    this.#options = options;
  }

  /** Files open now. */
  get openCount(): number {
    return this.#open.size;
  }

  /** The store of an agent. The name must be a valid one: it becomes a file name. */
  get(agent: string): AgentStore {
    const known = this.#open.get(agent);
    if (known !== undefined) {
      this.#open.delete(agent);
      this.#open.set(agent, known);
      // After a time when all were busy, one with each call: closing takes time.
      if (this.#open.size > this.#options.maxOpen) this.#closeOne(known);
      return known;
    }
    while (this.#open.size >= this.#options.maxOpen && this.#closeOne());
    const { directory, clock, now, commit, onCommit } = this.#options;
    const path = join(directory, `${agent}.db`);
    const bootSeq = this.#bootSeqs.get(agent);
    const store = new AgentStore({ path, clock, now, commit, bootSeq, onCommit: () => onCommit(agent) });
    this.#open.set(agent, store);
    this.#closed.delete(agent);
    return store;
  }

  /** An agent's file in numbers; one that was closed meanwhile is not opened for it. */
  summary(agent: string): AgentSummary {
    return this.#open.get(agent)?.summary() ?? this.#closed.get(agent) ?? this.get(agent).summary();
  }

  /** Commits what waits and closes every file. */
  close(): void {
    for (const store of this.#open.values()) store.close();
    this.#open.clear();
  }

  /** Closes the idle file that was used least recently; false if there is none. */
  #closeOne(inUse?: AgentStore): boolean {
    for (const [agent, store] of this.#open) {
      if (!store.isIdle || store === inUse) continue;
      this.#open.delete(agent);
      this.#closed.set(agent, store.summary());
      this.#bootSeqs.set(agent, store.counters.bootSeq);
      store.close();
      return true;
    }
    return false;
  }
}
