import { existsSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { HoldfastError, type Json } from '@holdfast/protocol';
import { describe, expect, test } from 'vitest';

import type { Rejection } from '../src/import/conversations.ts';
import { type ImportSummary, importChats } from '../src/import/import-chats.ts';
import { MemoryTarget } from './memory-target.ts';
import { inTemporaryDirectory } from './run-holdfast.ts';

const realFile = fileURLToPath(new URL('../../../../shared/data/tau-bench-gpt-4o-airline.json', import.meta.url));

async function importFile(
  path: string,
  target: MemoryTarget,
): Promise<{ readonly summary: ImportSummary; readonly rejections: readonly Rejection[] }> {
  const rejections: Rejection[] = [];
  const source = { file: basename(path), prefix: basename(path).split('.')[0] ?? '' };
  const summary = await importChats(path, source, target, {
    onBytes: () => {},
    onRejection: (rejection) => rejections.push(rejection),
    isStopped: () => false,
  });
  return { summary, rejections };
}

async function importText(text: string, target: MemoryTarget): ReturnType<typeof importFile> {
  return inTemporaryDirectory((directory) => {
    const path = join(directory, 'support.json');
    writeFileSync(path, text);
    return importFile(path, target);
  });
}

describe('importing chats', () => {
  const run = {
    task_id: 3,
    trial: 1,
    reward: 0.5,
    info: { nested: true },
    traj: [
      { role: 'user', content: 'My flight?' },
      { role: 'assistant', content: null, tool_calls: [{ id: 't1' }] },
    ],
  };

  test('a conversation becomes a thread and its messages, in order and as they were', async () => {
    const target = new MemoryTarget();
    const { summary } = await importText(JSON.stringify([run]), target);
    expect(summary).toEqual({ threads: 1, messages: 2, written: 3, unchanged: 0, rejected: 0, stopped: false });
    expect([...target.records]).toEqual([
      [
        'threads/support-3-1',
        {
          title: 'support task 3, trial 1',
          source: 'support.json',
          message_count: 2,
          task_id: 3,
          trial: 1,
          reward: 0.5,
        },
      ],
      ['messages/support-3-1.000000', { thread: 'support-3-1', index: 0, role: 'user', content: 'My flight?' }],
      [
        'messages/support-3-1.000001',
        { thread: 'support-3-1', index: 1, role: 'assistant', content: null, tool_calls: [{ id: 't1' }] },
      ],
    ]);
  });

  test('a second run writes nothing, and a third only what changed', async () => {
    const target = new MemoryTarget();
    await importText(JSON.stringify([run]), target);
    const again = await importText(JSON.stringify([run]), target);
    expect(again.summary).toMatchObject({ written: 0, unchanged: 3 });
    const edited = { ...run, traj: [run.traj[0], { role: 'assistant', content: 'Which one?' }] };
    const changed = await importText(JSON.stringify([edited]), target);
    expect(changed.summary).toMatchObject({ written: 1, unchanged: 2 });
    expect(target.streams).toBe(2);
  });

  test.each<[string, Json, string]>([
    ['its own id', { id: 'conv-9', messages: run.traj }, 'conv-9'],
    ['a number as its own id', { id: 9, messages: run.traj }, 'support-9'],
    ['a task without a trial', { task_id: 'refund', messages: run.traj }, 'support-refund'],
    ['nothing but its place', { messages: run.traj }, 'support-0'],
  ])('the thread is named by %s', async (_case, entry, id) => {
    const target = new MemoryTarget();
    await importText(JSON.stringify([entry]), target);
    expect([...target.records.keys()][0]).toBe(`threads/${id}`);
  });

  test('a list of messages is named after its file and titled by the first question', async () => {
    const target = new MemoryTarget();
    await importText(JSON.stringify(run.traj), target);
    expect(target.records.get('threads/support')).toEqual({
      title: 'My flight?',
      source: 'support.json',
      message_count: 2,
    });
  });

  test('a second conversation with the same id is rejected, not mixed into the first', async () => {
    const target = new MemoryTarget();
    const { summary, rejections } = await importText(JSON.stringify([run, run]), target);
    expect(summary).toMatchObject({ threads: 1, written: 3, rejected: 1 });
    expect(rejections).toEqual([{ index: 1, reason: 'another conversation of the file has the same id' }]);
  });

  test('a message that could not be kept exactly is rejected alone', async () => {
    const target = new MemoryTarget();
    const text = `[{"id":"x","messages":[{"role":"user","content":"a","n":9007199254740993},{"role":"user","content":"b"}]}]`;
    const { rejections } = await importText(text, target);
    expect(rejections).toEqual([{ index: 0, message: 0, reason: expect.stringContaining('2^53') }]);
    expect([...target.records.keys()]).toEqual(['threads/x', 'messages/x.000001']);
  });

  test('a record the node refuses is a rejection with its place', async () => {
    const target = new MemoryTarget({ 'messages/support-3-1.000001': 'record-too-large' });
    const { summary, rejections } = await importText(JSON.stringify([run]), target);
    expect(summary).toMatchObject({ written: 2, rejected: 1 });
    expect(rejections).toEqual([{ index: 0, message: 1, reason: 'record-too-large: refused' }]);
  });

  test('a node that cannot write for now ends the import', async () => {
    const target = new MemoryTarget({ 'messages/support-3-1.000001': 'disk-full' });
    await expect(importText(JSON.stringify([run]), target)).rejects.toThrow(HoldfastError);
  });

  test.runIf(existsSync(realFile))('the real transcripts come over whole: 200 threads, 5,308 messages', async () => {
    const target = new MemoryTarget();
    const first = await importFile(realFile, target);
    expect(first).toEqual({
      summary: { threads: 200, messages: 5308, written: 5508, unchanged: 0, rejected: 0, stopped: false },
      rejections: [],
    });
    expect(target.countByRole()).toEqual({ assistant: 2454, user: 1490, tool: 1164, system: 200 });
    const second = await importFile(realFile, target);
    expect(second.summary).toMatchObject({ written: 0, unchanged: 5508 });
  });
});
