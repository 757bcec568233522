import { extname } from 'node:path';

import { CommandError } from '../command-error.ts';
import { ArraySplitter, type Piece } from './array-splitter.ts';
import { decodedChunks, LONGEST_ENTRY, readHead, textLines } from './text-file.ts';

/** Where something stands in the file: a line from 1, or an index from 0. */
export type Place = { readonly line: number } | { readonly index: number };

/** One entry of the file, as text, or why there is none. */
export type Entry = { readonly place: Place } & Piece;

/** How a file holds its entries: one JSON array, one JSON value for each line, or one JSON object in all. */
export type FileForm = 'array' | 'lines' | 'object';

/**
 * The entries of a JSON or JSONL file, one at a time. `onBytes` is told how much was read. Throws CommandError when
 * the file cannot be read or is not UTF-8.
 */
export async function* readEntries(path: string, onBytes: (bytes: number) => void): AsyncGenerator<Entry> {
  const chunks = decodedChunks(path, onBytes);
  const form = formOf(path);
  if (form === 'array') yield* arrayEntries(chunks);
  else if (form === 'lines') yield* lineEntries(chunks);
  else yield* objectEntry(chunks);
}

/** The form of a file: by its name for JSONL, else by its first line. Throws CommandError. */
function formOf(path: string): FileForm {
  const head = readHead(path)
    .replace(/^\uFEFF/, '')
    .trimStart();
  if (['.jsonl', '.ndjson'].includes(extname(path).toLowerCase())) return 'lines';
  if (head.startsWith('[')) return 'array';
  const [firstLine = ''] = head.split('\n', 1);
  return head.startsWith('{') && !isJson(firstLine) && !firstLine.trimEnd().endsWith('}') ? 'object' : 'lines';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function* arrayEntries(chunks: AsyncIterable<string>): AsyncGenerator<Entry> {
  const splitter = new ArraySplitter(LONGEST_ENTRY);
  let index = 0;
  let isOpen = false;
  for await (const chunk of chunks) {
    const text = isOpen ? chunk : chunk.slice(chunk.indexOf('[') + 1 || chunk.length);
    isOpen ||= chunk.includes('[');
    for (const piece of splitter.push(text)) {
      yield { place: { index }, ...piece };
      index += 1;
    }
  }
  const problem = splitter.end();
  if (problem !== undefined) yield { place: { index }, problem };
}

async function* lineEntries(chunks: AsyncIterable<string>): AsyncGenerator<Entry> {
  for await (const { line, text } of textLines(chunks)) if (text.trim() !== '') yield { place: { line }, text };
}

async function* objectEntry(chunks: AsyncIterable<string>): AsyncGenerator<Entry> {
  let text = '';
  for await (const chunk of chunks) {
    text += chunk;
    if (text.length > LONGEST_ENTRY)
      throw new CommandError(`the object is longer than ${LONGEST_ENTRY} characters`, 'Split it.');
  }
  yield { place: { index: 0 }, text };
}
