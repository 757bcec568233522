import { copyFileSync } from 'node:fs';

import type { Change } from '@holdfast/protocol';
import { temporaryDirectory, type TemporaryDirectory } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { put, TestAgent } from './fixture.ts';

let directory: TemporaryDirectory;
let agent: TestAgent;

beforeEach(async () => {
  directory = await temporaryDirectory();
  agent = new TestAgent(directory.file('agent.db'));
});
afterEach(async () => {
  agent[Symbol.dispose]();
  await directory[Symbol.asyncDispose]();
});

/** What an agent's file would send, as the relay would give it back. */
function sentBy({ store }: TestAgent): { readonly changes: Change[]; readonly cursor: Change } {
  const changes = store.outbox
    .above({ seq: 0, version: '' }, { changes: 100, bytes: 1e6 })!
    .lines.map((line) => JSON.parse(line) as Change);
  return { changes, cursor: changes.at(-1)! };
}

async function acknowledge({ store }: TestAgent, rejectedSeqs: readonly number[] = []): Promise<void> {
  const rejects = rejectedSeqs.map((seq) => ({ seq, code: 'invalid-request', reason: 'of a test' }));
  await store.acknowledge(store.outbox.next({ changes: 100, bytes: 1e6 })!.upto, rejects);
}

describe('what was written since the start, and so after a file was put back, wins over what the relay holds', () => {
  test('but not an older record that was only sent again since', async () => {
    const { seq } = await agent.write(put('notes', 'a', { n: 1 }));
    await acknowledge(agent, [seq]);
    const copy = directory.file('copy.db');
    agent.reopen(() => copyFileSync(agent.path, copy));
    agent.clock.advance(1000);
    await agent.write(put('notes', 'a', { n: 2 }));
    const { changes, cursor } = sentBy(agent);
    agent.reopen(() => copyFileSync(copy, agent.path));
    const [letter] = agent.store.outbox.deadLetters();
    await agent.store.retryDeadLetter(letter!.id);
    await agent.store.adopt({ cursor, changes, more: false });
    expect(agent.read('notes', 'a')).toEqual({ n: 2 });
  });

  test('until relay and file were found to hold the same: then the higher version wins, as always', async () => {
    await agent.write(put('notes', 'a', { n: 1 }));
    await acknowledge(agent);
    const copy = directory.file('copy.db');
    agent.reopen(() => copyFileSync(agent.path, copy));
    agent.store.agree();
    await agent.write(put('notes', 'a', { n: 2 }));
    using clone = new TestAgent(copy);
    clone.clock.advance(1000);
    await clone.write(put('notes', 'a', { n: 3 }));
    const { changes, cursor } = sentBy(clone);
    await agent.store.adopt({ cursor, changes, more: false });
    expect(agent.read('notes', 'a')).toEqual({ n: 3 });
    agent.expectTrueCounters();
  });
});
