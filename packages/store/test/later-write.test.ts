import { copyFileSync } from 'node:fs';

import type { Change } from '@holdfast/protocol';
import { Lineage } from '@holdfast/store';
import { temporaryDirectory, type TemporaryDirectory } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { put, TestAgent } from './fixture.ts';

let directory: TemporaryDirectory;
let agent: TestAgent;
let copy: string;

beforeEach(async () => {
  directory = await temporaryDirectory();
  agent = new TestAgent(directory.file('agent.db'));
  copy = directory.file('copy.db');
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

const backUp = (): void => agent.reopen(() => copyFileSync(agent.path, copy));
const putBack = (): void => agent.reopen(() => copyFileSync(copy, agent.path));

/** Writes something that the relay gets, and that is gone here afterwards, under a clock that goes back as well. */
async function writeAndPutBack(n: number): Promise<ReturnType<typeof sentBy>> {
  agent.clock.advance(60_000);
  await agent.write(put('notes', 'a', { n }));
  const sent = sentBy(agent);
  putBack();
  agent.clock.advance(-60_000);
  return sent;
}

describe('what was written after a file was put back wins over what the relay holds, under whatever clock,', () => {
  test('also if the start that wrote it ended before it could ask the relay', async () => {
    await agent.write(put('notes', 'b', {}));
    await acknowledge(agent);
    backUp();
    const { changes, cursor } = await writeAndPutBack(1);
    await agent.write(put('notes', 'a', { n: 2 }));
    agent.reopen();
    agent.reopen();
    expect(await agent.store.adopt({ cursor, changes, more: false }, agent.lineage)).toMatchObject({ renewed: 1 });
    expect(agent.read('notes', 'a')).toEqual({ n: 2 });
    agent.expectTrueCounters();
  });

  test('but not what was waiting in the copy', async () => {
    await agent.write(put('notes', 'a', { n: 1 }));
    agent.store.close();
    copyFileSync(agent.path, copy);
    agent.reopen();
    const { changes, cursor } = await writeAndPutBack(2);
    await agent.store.adopt({ cursor, changes, more: false }, agent.lineage);
    expect(agent.read('notes', 'a')).toEqual({ n: 2 });
  });

  test('but not an older record that was only sent again since', async () => {
    const { seq } = await agent.write(put('notes', 'a', { n: 1 }));
    await acknowledge(agent, [seq]);
    backUp();
    agent.clock.advance(1000);
    await agent.write(put('notes', 'a', { n: 2 }));
    const { changes, cursor } = sentBy(agent);
    putBack();
    const [letter] = agent.store.outbox.deadLetters();
    await agent.store.retryDeadLetter(letter!.id);
    await agent.store.adopt({ cursor, changes, more: false }, agent.lineage);
    expect(agent.read('notes', 'a')).toEqual({ n: 2 });
  });

  test('but not what was only taken over from the relay since', async () => {
    await agent.write(put('notes', 'b', {}));
    await acknowledge(agent);
    backUp();
    const { changes, cursor } = await writeAndPutBack(1);
    await agent.store.adopt({ cursor, changes, more: false }, agent.lineage);
    using clone = new TestAgent(copy, agent.clock, agent.starts);
    await clone.store.adopt({ cursor, changes, more: false }, clone.lineage);
    clone.clock.advance(120_000);
    await clone.write(put('notes', 'a', { n: 3 }));
    const later = sentBy(clone);
    const known = new Lineage(agent.starts.at(-1)!.start, clone.starts);
    await agent.store.adopt({ ...later, more: false }, known);
    expect(agent.read('notes', 'a')).toEqual({ n: 3 });
    agent.expectTrueCounters();
  });
});
