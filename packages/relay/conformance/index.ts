import { describe } from 'vitest';

import { copyingCases } from './copying-cases.ts';
import { digestCases } from './digest-cases.ts';
import { feedCases } from './feed-cases.ts';
import { freshnessCases } from './freshness-cases.ts';
import { joiningCases } from './joining-cases.ts';
import { mergingCases } from './merging-cases.ts';
import { readingCases } from './reading-cases.ts';
import { retentionCases } from './retention-cases.ts';
import { sessionCases } from './session-cases.ts';
import type { MakeStore } from './store-under-test.ts';

export type { MakeStore, StoreUnderTest } from './store-under-test.ts';

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
    digestCases(make);
    copyingCases(make);
    freshnessCases(make);
    retentionCases(make);
    feedCases(make);
  });
}
