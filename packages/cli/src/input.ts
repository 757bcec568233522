import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';

import { CommandError } from './command-error.ts';

/**
 * A text given as an argument: itself, `@file` for a file's content, `-` or nothing for stdin. Throws CommandError when
 * the file cannot be read, or when nothing is given and stdin is a terminal.
 */
export async function readInput(argument: string | undefined, name: string): Promise<string> {
  if (argument?.startsWith('@')) return readFile(argument.slice(1));
  if (argument !== undefined && argument !== '-') return argument;
  if (argument === undefined && process.stdin.isTTY) {
    throw new CommandError(`${name} is missing`, `Give it as an argument, as @file, or pipe it in.`, 2);
  }
  return text(process.stdin);
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new CommandError(`${path} cannot be read (${code})`, 'Check the path.');
  }
}
