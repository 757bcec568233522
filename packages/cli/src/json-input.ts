import type { Json } from '@holdfast/protocol';

import { readInput } from './input.ts';

/**
 * JSON given as an argument, @file or stdin; read as the daemon reads it, so that a number that would lose digits on the way is
 * refused here already. Throws CommandError and `bad-json`.
 */
export async function readJson(argument: string | undefined, name: string): Promise<Json> {
  const { parseDocument } = await import('@holdfast/protocol');
  return parseDocument(await readInput(argument, name)).value;
}
