import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type StoreUnderTest, relayStoreConformance } from '@holdfast/relay/conformance';
import { SqliteRelayStore } from '@holdfast/relay';
import { openDatabase } from '@holdfast/sqlite';
import { QueryPool } from '@holdfast/store';
import { temporaryDirectory } from '@holdfast/testkit';
import { expect, it } from 'vitest';

import { makeTokenEntry } from '../conformance/material.ts';
import { defaultConfig } from './relay-fixture.ts';

relayStoreConformance('SqliteRelayStore', () => storeUnderTest(() => undefined));

relayStoreConformance('SqliteRelayStore with queries in processes of their own', () =>
  storeUnderTest((path) => new QueryPool({ path, processes: 1, seconds: 60 })),
);

async function storeUnderTest(poolFor: (path: string) => QueryPool | undefined): Promise<StoreUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-relay-store-'));
  const path = join(directory, 'relay.db');
  const copies: SqliteRelayStore[] = [];
  const pool = poolFor(path);
  let store = new SqliteRelayStore(path, defaultConfig(), { rows: pool });
  return {
    get store() {
      return store;
    },
    async reopen() {
      await store.close();
      store = new SqliteRelayStore(path, defaultConfig(), { rows: pool });
    },
    async copied(onProgress) {
      const file = join(directory, `copy-${copies.length}.db`);
      await store.copyTo(file, onProgress);
      const copy = new SqliteRelayStore(file, defaultConfig());
      copies.push(copy);
      return copy;
    },
    async remove() {
      await pool?.stop();
      for (const opened of [store, ...copies]) await opened.close();
      rmSync(directory, { recursive: true });
    },
  };
}

it('a check that fails leaves nothing open: the next write is taken', async () => {
  await using directory = await temporaryDirectory();
  const path = directory.file('relay.db');
  const store = new SqliteRelayStore(path, defaultConfig());
  const other = openDatabase(path);
  other.exec(
    `CREATE TRIGGER failing BEFORE UPDATE ON relay WHEN new.last_position = old.last_position
     BEGIN SELECT raise(ABORT, 'for the test'); END`,
  );
  other.close();
  await expect(store.check()).rejects.toMatchObject({ code: 'storage-failed' });
  await store.addToken(makeTokenEntry(1));
  await expect(store.findToken(makeTokenEntry(1).id)).resolves.toBeDefined();
  await store.close();
});
