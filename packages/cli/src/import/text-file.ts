import { closeSync, createReadStream, openSync, readSync } from 'node:fs';

import { CommandError } from '../command-error.ts';

/** Longest text of one entry, in UTF-16 code units. */
export const LONGEST_ENTRY: number = 64 * 1024 * 1024;

/** How far the kind of a file is looked for. */
const SNIFFED_BYTES = 1024 * 1024;

/** A line of a file, without its line feed. */
export interface TextLine {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** The text of a UTF-8 file, piece by piece. `onBytes` is told how much was read. Throws CommandError. */
export async function* decodedChunks(path: string, onBytes: (bytes: number) => void): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    onBytes(chunk.length);
    yield decode(path, () => decoder.decode(chunk, { stream: true }));
  }
  yield decode(path, () => decoder.decode());
}

function decode(path: string, work: () => string): string {
  try {
    return work();
  } catch {
    throw new CommandError(`${path} is not UTF-8`, 'Convert it, for example with iconv.');
  }
}

/** The lines of a text, empty ones too. Throws CommandError for one that is too long. */
export async function* textLines(chunks: AsyncIterable<string>): AsyncGenerator<TextLine> {
  let line = 0;
  let kept = '';
  for await (const chunk of chunks) {
    const [first = '', ...rest] = chunk.split('\n');
    kept += first;
    for (const next of rest) {
      line += 1;
      yield { line, text: kept };
      kept = next;
    }
    if (kept.length > LONGEST_ENTRY)
      throw new CommandError(`line ${line + 1} is longer than ${LONGEST_ENTRY} characters`, 'Split it.');
  }
  yield { line: line + 1, text: kept };
}

/** How a file begins. Throws CommandError when it cannot be read. */
export function readHead(path: string): string {
  try {
    const file = openSync(path, 'r');
    try {
      const buffer = Buffer.alloc(SNIFFED_BYTES);
      return buffer.toString('utf8', 0, readSync(file, buffer, 0, SNIFFED_BYTES, 0));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new CommandError(`${path} cannot be read (${code})`, 'Check the path.');
  }
}
