import { describe } from 'vitest';

import type { RelayStore } from '../src/index.ts';
import { joiningCases } from './joining-cases.ts';
import { mergingCases } from './merging-cases.ts';
import { readingCases } from './reading-cases.ts';
import { sessionCases } from './session-cases.ts';

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

/**
 * Registers the tests every `RelayStore` must pass, under `name`. To be called from a vitest file; the dependency on vitest
 * is the caller's.
 */
export function relayStoreConformance(name: string, make: MakeStore): void {
  describe(`${name} is a relay store`, () => {
    sessionCases(make);
    mergingCases(make);
    readingCases(make);
    joiningCases(make);
  });
}
