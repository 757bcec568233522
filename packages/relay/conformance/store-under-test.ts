import type { RelayStore } from '../src/index.ts';

/** A store under test, in a place of its own. */
export interface StoreUnderTest {
  /** The store; another one after `reopen`. */
  readonly store: RelayStore;
  /** Closes the store and opens it again, as a restart would. */
  reopen(): Promise<void>;
  /** Closes the store and removes its place. */
  remove(): Promise<void>;
}

/** Makes a new, empty store. */
export type MakeStore = () => Promise<StoreUnderTest>;
