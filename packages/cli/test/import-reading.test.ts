import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ArraySplitter } from '../src/import/array-splitter.ts';
import { type ReadResult, readConversations } from '../src/import/conversations.ts';
import { readEntries } from '../src/import/entries.ts';
import { inTemporaryDirectory } from './run-holdfast.ts';

const hello = { role: 'user', content: 'hello' };

async function readFileText(name: string, text: string | Buffer): Promise<ReadResult[]> {
  return inTemporaryDirectory(async (directory) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    const results: ReadResult[] = [];
    for await (const result of readConversations(readEntries(path, () => {}))) results.push(result);
    return results;
  });
}

function summaryOf(results: readonly ReadResult[]): unknown[] {
  return results.map((result) =>
    'rejection' in result
      ? result.rejection
      : { ...result.conversation.place, messages: result.conversation.messages.length },
  );
}

describe('cutting an array into its items', () => {
  test('gives every item whole, wherever the text is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { maxLength: 8 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(2),
        (items, size, indent) => {
          const text = JSON.stringify(items, null, indent).slice(1);
          const splitter = new ArraySplitter(1_000_000);
          const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
            text.slice(at * size, (at + 1) * size),
          );
          const pieces = chunks.flatMap((chunk) => splitter.push(chunk));
          expect(pieces.map((piece): unknown => ('text' in piece ? JSON.parse(piece.text) : piece))).toEqual(
            items.map((item): unknown => JSON.parse(JSON.stringify(item))),
          );
          expect(splitter.end()).toBeUndefined();
        },
      ),
    );
  });

  test('drops an item beyond the bound and goes on', () => {
    const splitter = new ArraySplitter(10);
    const pieces = splitter.push('"short", "much too long", 3]');
    expect(pieces).toEqual([{ text: '"short"' }, { problem: 'longer than 10 characters' }, { text: '3' }]);
  });

  test('says so when the text ends early', () => {
    const splitter = new ArraySplitter(100);
    splitter.push('{"a": 1}, {"b": ');
    expect(splitter.end()).toBe('the file ends within the array');
  });
});

describe('reading conversations', () => {
  test('of an array, by messages or traj', async () => {
    const results = await readFileText(
      'chats.json',
      JSON.stringify([{ messages: [hello] }, { traj: [hello, hello] }], null, 2),
    );
    expect(summaryOf(results)).toEqual([
      { index: 0, messages: 1 },
      { index: 1, messages: 2 },
    ]);
  });

  test('of lines, with a byte order mark or Windows line ends', async () => {
    const text = `\uFEFF${JSON.stringify({ messages: [hello] })}\r\n\r\n${JSON.stringify({ messages: [hello] })}`;
    expect(summaryOf(await readFileText('chats.txt', text))).toEqual([
      { line: 1, messages: 1 },
      { line: 3, messages: 1 },
    ]);
  });

  test('of one object over many lines', async () => {
    const results = await readFileText('chat.json', JSON.stringify({ id: 'one', messages: [hello] }, null, 2));
    expect(summaryOf(results)).toEqual([{ index: 0, messages: 1 }]);
  });

  test('of one list of messages: the file is the conversation', async () => {
    const results = await readFileText(
      'chat.json',
      JSON.stringify([hello, { role: 'assistant', content: null, tool_calls: [] }]),
    );
    expect(results).toMatchObject([{ conversation: { isWholeFile: true, messages: [{ index: 0 }, { index: 1 }] } }]);
  });

  test('an array rejects broken entries by index and goes on', async () => {
    const text = `[7, {"messages": []}, {"messages": [{"role": "user", "content": "a"},]}, {"messages": [
      {"role": "user", "content": "b"}, {"role": "robot", "content": "c"}, {"role": "user", "content": 5}, {"role": "tool"}, 8
    ]}, {"traj": [{"role": "user", "content": [{"type": "text", "text": "d"}]}]}]`;
    expect(summaryOf(await readFileText('chats.json', text))).toEqual([
      { index: 0, reason: 'not an object' },
      { index: 1, reason: 'no messages' },
      { index: 2, reason: expect.stringContaining('not JSON') },
      { index: 3, message: 1, reason: 'unknown role' },
      { index: 3, message: 2, reason: 'content is neither text nor a list of parts' },
      { index: 3, message: 4, reason: 'not an object' },
      { index: 3, messages: 2 },
      { index: 4, messages: 1 },
    ]);
  });

  test('lines reject broken entries by line and go on', async () => {
    const good = JSON.stringify({ messages: [hello] });
    const results = await readFileText('chats.jsonl', [good, '{"messages": [', 'null', good].join('\n'));
    expect(summaryOf(results)).toEqual([
      { line: 1, messages: 1 },
      { line: 2, reason: expect.stringMatching(/JSON/) },
      { line: 3, reason: 'not an object' },
      { line: 4, messages: 1 },
    ]);
  });

  test('a file cut off in the middle gives what is whole and says where it ends', async () => {
    const text = JSON.stringify([{ messages: [hello] }, { messages: [hello] }]);
    expect(summaryOf(await readFileText('chats.json', text.slice(0, -8)))).toEqual([
      { index: 0, messages: 1 },
      { index: 1, reason: 'the file ends within the array' },
    ]);
  });

  test('a file that is not UTF-8 is refused as a whole', async () => {
    const bytes = Buffer.concat([
      Buffer.from('[{"messages":[{"role":"user","content":"'),
      Buffer.from([0xe9]),
      Buffer.from('"}]}]'),
    ]);
    await expect(readFileText('chats.json', bytes)).rejects.toThrow('not UTF-8');
  });
});
