import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type StoreUnderTest, relayStoreConformance } from '@holdfast/relay/conformance';
import { SqliteRelayStore } from '@holdfast/relay';

import { defaultConfig } from './relay-fixture.ts';

relayStoreConformance('SqliteRelayStore', async (): Promise<StoreUnderTest> => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-relay-store-'));
  const path = join(directory, 'relay.db');
  let store = new SqliteRelayStore(path, defaultConfig());
  return {
    get store() {
      return store;
    },
    async reopen() {
      await store.close();
      store = new SqliteRelayStore(path, defaultConfig());
    },
    async remove() {
      await store.close();
      rmSync(directory, { recursive: true });
    },
  };
});
