import { openSync, closeSync, writeSync } from 'node:fs';

import { temporaryDirectory } from '@holdfast/testkit';
import { openDatabase } from '@holdfast/sqlite';
import { expect, test } from 'vitest';

import { put, TestAgent } from './fixture.ts';

test('a file that turns out to be damaged while it is read can be closed', async () => {
  await using directory = await temporaryDirectory();
  const agent = new TestAgent(directory.file('agent.db'));
  for (let n = 0; n < 50; n += 1) await agent.write(put('notes', `note-${n}`, { text: 'x'.repeat(500) }));
  agent.reopen(() => spoilTable(agent.path, 'records'));
  expect(() => agent.read('notes', 'note-1')).toThrow(/CORRUPT|malformed|damaged/);
  expect(() => agent.store.close()).not.toThrow();
});

/** Zeroes the first page of a table or index, which SQLite does not look at before it needs it. */
function spoilTable(path: string, name: string): void {
  const database = openDatabase(path);
  const page = database.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(name) as number;
  const pageBytes = database.pragma('page_size', { simple: true }) as number;
  database.close();
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(pageBytes), 0, pageBytes, (page - 1) * pageBytes);
  closeSync(file);
}
