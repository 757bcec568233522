import { openDatabase } from '@holdfast/sqlite';
import { HybridClock, isHoldfastError } from '@holdfast/protocol';
import { AgentFiles } from '@holdfast/store';
import { FakeClock, temporaryDirectory } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { codeOf, commitConfig, patch, put, TestAgent } from './fixture.ts';

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

test('an answer remembered for a key that is not what was written is not given, and the file is told as damaged', async () => {
  await using directory = await temporaryDirectory();
  using agent = new TestAgent(directory.file('agent.db'));
  const idempotency = { key: 'request-1', fingerprint: 'f'.repeat(32) };
  const request = { resource: '', operations: [put('notes', 'note', {})], idempotency };
  const [answer] = await agent.store.write(request);
  expect(await agent.store.write(request)).toEqual([answer]);
  agent.reopen(() => run(agent.path, `UPDATE idempotency SET answer = replace(answer, '"seq":1', '"seq":3')`));
  expect(await codeOf(agent.store.write(request))).toBe('file-damaged');
});

test('a dead letter that is not what was written is told as damage', async () => {
  await using directory = await temporaryDirectory();
  using agent = new TestAgent(directory.file('agent.db'));
  const { seq } = await agent.write(put('notes', 'note', {}));
  const { upto } = agent.store.outbox.next({ changes: 1, bytes: 1e6 })!;
  await agent.store.acknowledge(upto, [{ seq, code: 'invalid-request', reason: 'not wanted' }]);
  expect(agent.store.outbox.deadLetters()).toMatchObject([{ reason: 'not wanted' }]);
  agent.reopen(() => run(agent.path, `UPDATE dead_letters SET reason = 'not wanteb'`));
  expect(failureOf(() => agent.store.outbox.deadLetters())).toMatchObject({ code: 'file-damaged' });
});

test('a record that rotted before it was sent is told as damage when the relay will not take it', async () => {
  await using directory = await temporaryDirectory();
  using agent = new TestAgent(directory.file('agent.db'));
  const { seq } = await agent.write(put('notes', 'note', { name: 'Ada' }));
  agent.reopen(() => run(agent.path, `UPDATE records SET doc = '{"name":"Ade"}'`));
  const { upto } = agent.store.outbox.next({ changes: 1, bytes: 1e6 })!;
  const reject = { seq, code: 'hash-mismatch', reason: 'changed on the way' };
  expect(await codeOf(agent.store.acknowledge(upto, [reject]))).toBe('file-damaged');
  expect(agent.store.outbox.deadLetters()).toEqual([]);
});

describe('a file that SQLite opens and cannot make sense of', () => {
  const REWRITE = 'PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = ';

  test.each([
    ['a column of another name', `${REWRITE} replace(sql, 'fingerprint', 'fingerprinu') WHERE name = 'idempotency'`],
    [
      'a table of another name',
      `${REWRITE} replace(sql, 'dead_letters', 'dead_metters'), name = 'dead_metters',
       tbl_name = 'dead_metters' WHERE tbl_name = 'dead_letters'`,
    ],
    [
      'an index to be made anew over a document that is none',
      `DROP INDEX "candidates (status, experience_years)"; DROP INDEX "candidates (location)"; DROP INDEX "candidates (email)";
       UPDATE records SET doc = 'no JSON'`,
    ],
  ])('is told as damaged when it is opened: %s', async (_what, spoil) => {
    await using directory = await temporaryDirectory();
    {
      using agent = new TestAgent(directory.file('ada.db'));
      await agent.write(put('candidates', 'c', { name: 'Ada Okafor', status: 'active' }));
    }
    run(directory.file('ada.db'), spoil);
    const { now } = new FakeClock();
    const clock = new HybridClock(now, '0000000a');
    const files = new AgentFiles({
      directory: directory.path,
      clock,
      now,
      commit: commitConfig,
      maxOpen: 1,
      onCommit: () => undefined,
    });
    const failure = failureOf(() => files.get('ada'));
    expect(isHoldfastError(failure) && failure.code).toBe('file-damaged');
    expect(String(failure)).not.toContain('Okafor');
    files.close();
  });
});

test('a document that is no JSON any more is told as damage by a query that looks into it', async () => {
  await using directory = await temporaryDirectory();
  const { now } = new FakeClock();
  const clock = new HybridClock(now, '0000000a');
  const files = new AgentFiles({
    directory: directory.path,
    clock,
    now,
    commit: commitConfig,
    maxOpen: 1,
    onCommit: () => undefined,
  });
  await files.get('ada').write({ resource: '', operations: [put('notes', 'note', { name: 'Ada Okafor' })] });
  run(directory.file('ada.db'), `UPDATE records SET doc = 'Ada Okafor, Lagos'`);
  const failure = failureOf(() => files.get('ada').query('', 'notes', { where: { name: 'Ada' } }));
  expect(isHoldfastError(failure) && failure.code).toBe('file-damaged');
  expect(String(failure)).not.toContain('Okafor');
  files.close();
});

function run(path: string, sql: string): void {
  const database = openDatabase(path);
  // Else the schema may not be written.
  database.unsafeMode(true);
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
