import {
  builtInCollection,
  builtInCollections,
  type Collection,
  isHoldfastError,
  SHARED_AGENT,
} from '@holdfast/protocol';
import type { AgentFiles, AgentStore, CollectionCount, TakenIn } from '@holdfast/store';

import type { SharedFile } from '../../sync/shared-sink.ts';
import type { Agents } from '../agents.ts';

/** What the shared space is made of. */
export interface SharedSpaceOptions {
  readonly agents: Agents;
  readonly files: AgentFiles;
  /** Records came from other nodes. Must not throw. */
  readonly onTaken: (taken: TakenIn) => void;
}

/** What is declared of the collections of a file, and how much is in them. */
export interface FileContents {
  readonly declared: readonly Collection[];
  /** Undefined while the file does not serve. */
  readonly counts: readonly CollectionCount[] | undefined;
}

/** What all nodes share, as this one has it: one file beside the agents' own, made when something is shared for the first time. */
export class SharedSpace implements SharedFile {
  readonly #options: SharedSpaceOptions;
  /** Collections that were found to be declared shared. */
  readonly #declared = new Set<string>();

  constructor(options: SharedSpaceOptions) {
    this.#options = options;
  }

  found(): AgentStore | undefined {
    const { agents, files } = this.#options;
    return agents.has(SHARED_AGENT) ? files.get(SHARED_AGENT) : undefined;
  }

  made(): AgentStore {
    const { agents, files } = this.#options;
    agents.addWithoutToken(SHARED_AGENT);
    return files.get(SHARED_AGENT);
  }

  /** How many records a shared collection has here, over all resources; expired ones not yet swept count. */
  count(collection: string): number {
    const counts = this.found()?.collections() ?? [];
    return counts.find(({ name }) => name === collection)?.records ?? 0;
  }

  onTaken(taken: TakenIn): void {
    this.#options.onTaken(taken);
  }

  /** What is in its file; while that does not serve, or is not there yet, what ships with Holdfast. */
  contents(): FileContents {
    const shipped = builtInCollections as readonly Collection[];
    try {
      const store = this.found();
      if (store === undefined) return { declared: shipped, counts: [] };
      return { declared: store.declared, counts: store.collections() };
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      return { declared: shipped, counts: undefined };
    }
  }

  /** Whether records of a collection are shared: it ships with Holdfast so, or somebody in the network declared it so. */
  holds(collection: string): boolean {
    const builtIn = builtInCollection(collection);
    if (builtIn !== undefined) return builtIn.conflict === 'shared';
    try {
      const isShared = this.found()?.declaration(collection)?.conflict === 'shared';
      if (isShared) this.#declared.add(collection);
      return isShared;
    } catch (error) {
      // A file that does not serve must not take the agents' own with it.
      if (!isHoldfastError(error)) throw error;
      return this.#declared.has(collection);
    }
  }
}
