import { readFileSync } from 'node:fs';

import { HoldfastError } from '@holdfast/protocol';
import type { YAMLParseError } from 'yaml';

/** The text of a file. Throws `bad-configuration` when it cannot be read. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/** What is told of a file that cannot be read, as `bad-configuration`. */
export function unreadable(file: string, cause: unknown): HoldfastError {
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
  return new HoldfastError('bad-configuration', `${file} cannot be read (${reason})`, { cause });
}

/** What is wrong with a YAML file, as `bad-configuration`, without the rest of the parser's words: they quote the line, which may hold a secret. */
export function badYaml(file: string, cause: YAMLParseError): HoldfastError {
  const what = cause.message.split(' at line', 1)[0]?.split('\n', 1)[0] ?? cause.code;
  return new HoldfastError('bad-configuration', `${file}, line ${cause.linePos?.[0].line ?? '?'}: ${what}`, { cause });
}
