/** Brings an agent's file up to date, and stops in the middle of it, waiting to be killed. */
import { migrate, openDatabase } from '@holdfast/sqlite';
import { agentMigrations } from '@holdfast/store';

const database = openDatabase(process.argv[2] ?? '');
migrate(
  database,
  agentMigrations.map((migration) => ({
    ...migration,
    fill: (filled) => {
      migration.fill?.(filled);
      process.send?.('in the middle');
      for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    },
  })),
);
