import type { CopyProgress } from '@holdfast/sqlite';

import type { RelayStore } from '../src/index.ts';

/** A store under test, in a place of its own. */
export interface StoreUnderTest {
  /** The store; another one after `reopen`. */
  readonly store: RelayStore;
  /** Closes the store and opens it again, as a restart would. */
  reopen(): Promise<void>;
  /** Copies the store with `copyTo` and opens the copy as a store of its own, which `remove` closes. */
  copied(onProgress?: (progress: CopyProgress) => void): Promise<RelayStore>;
  /** Closes the store and its copies, and removes their place. */
  remove(): Promise<void>;
}

/** Makes a new, empty store. */
export type MakeStore = () => Promise<StoreUnderTest>;
