import type { Json } from '@holdfast/protocol';

import { readInput } from '../input.ts';

/** JSON given as an argument, @file or stdin; read as the daemon reads it. Throws CommandError and `bad-json`. */
export async function jsonOf(argument: string | undefined, name: string): Promise<Json> {
  const { parseDocument } = await import('@holdfast/protocol');
  return parseDocument(await readInput(argument, name)).value;
}
