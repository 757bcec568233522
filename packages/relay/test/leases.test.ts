import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SqliteRelayStore } from '@holdfast/relay';
import { leasesConformance, type LeasesUnderTest } from '@holdfast/store/conformance';

import { defaultConfig } from './relay-fixture.ts';

leasesConformance('a relay’s database', leasesUnderTest);

async function leasesUnderTest(): Promise<LeasesUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-leases-'));
  const path = join(directory, 'relay.db');
  let store = new SqliteRelayStore(path, defaultConfig());
  return {
    get leases() {
      return store.leases;
    },
    async reopen(change) {
      await store.close();
      change?.();
      store = new SqliteRelayStore(path, defaultConfig());
    },
    async backUp() {
      const copy = join(directory, 'copy.db');
      await store.copyTo(copy);
      return () => copyFileSync(copy, path);
    },
    loseTheRest: () => rmSync(join(directory, 'relay.fence')),
    async remove() {
      await store.close();
      rmSync(directory, { recursive: true });
    },
  };
}
