/** Takes an agent's file one schema back, and stops in the middle of it, waiting to be killed. */
import { migrateDown, openDatabase } from '@holdfast/sqlite';
import { agentMigrations } from '@holdfast/store';

const database = openDatabase(process.argv[2] ?? '');
database.function('stop', () => {
  process.send?.('in the middle');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
migrateDown(
  database,
  agentMigrations.map((migration) => {
    const { down } = migration;
    if (down === undefined || 'refused' in down) return migration;
    return { ...migration, down: { ...down, sql: `${down.sql}; SELECT stop();` } };
  }),
);
