import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { leasesConformance, type LeasesUnderTest } from '@holdfast/store/conformance';

import { NodeDatabase } from '../src/storage/node-database.ts';
import { testConfig } from './support/test-daemon.ts';

leasesConformance('a node’s database', leasesUnderTest);

async function leasesUnderTest(): Promise<LeasesUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-leases-'));
  const path = join(directory, 'node.db');
  const open = () => {
    const database = new NodeDatabase(path);
    return { database, node: database.openLeases(testConfig()) };
  };
  let opened = open();
  const close = (): void => {
    opened.node.close();
    opened.database.close();
  };
  return {
    get leases() {
      return opened.node.leases;
    },
    async reopen(change) {
      close();
      change?.();
      opened = open();
    },
    async backUp() {
      const copy = join(directory, 'copy.db');
      await opened.database.copyTo(copy, () => undefined);
      return () => copyFileSync(copy, path);
    },
    loseTheRest: () => rmSync(join(directory, 'node.fence')),
    async remove() {
      close();
      rmSync(directory, { recursive: true });
    },
  };
}
