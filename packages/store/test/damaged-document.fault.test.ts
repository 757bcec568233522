import { openDatabase } from '@holdfast/sqlite';
import { isHoldfastError } from '@holdfast/protocol';
import { temporaryDirectory } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { codeOf, patch, put, TestAgent } from './fixture.ts';

test.each([
  ['a document that is no JSON any more', `UPDATE records SET doc = 'Ada Okafor, Lagos'`],
  ['a time that is none', 'UPDATE records SET updated_at = 9000000000000000000'],
])('%s is told as damage by whatever reads it, without a word of it', async (_what, spoil) => {
  await using directory = await temporaryDirectory();
  using agent = new TestAgent(directory.file('agent.db'));
  await agent.write(put('notes', 'note', { name: 'Ada Okafor' }));
  agent.reopen(() => run(agent.path, spoil));
  const failure = failureOf(() => agent.store.query('', 'notes', {}));
  expect(isHoldfastError(failure) && failure.code).toBe('file-damaged');
  expect(String(failure)).not.toContain('Okafor');
});

test('a document that is no JSON any more is not patched', async () => {
  await using directory = await temporaryDirectory();
  using agent = new TestAgent(directory.file('agent.db'));
  await agent.write(put('notes', 'note', { name: 'Ada Okafor' }));
  agent.reopen(() => run(agent.path, `UPDATE records SET doc = 'Ada Okafor, Lagos'`));
  expect(await codeOf(agent.write(patch('notes', 'note', { done: true })))).toBe('file-damaged');
});

function run(path: string, sql: string): void {
  const database = openDatabase(path);
  database.exec(sql);
  database.close();
}

function failureOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
