import { textPieces } from './answer-text.ts';

/**
 * The whole lines of an NDJSON answer, in the groups they arrived in. A last line without its line feed was cut, and is left
 * out. Throws what `textPieces` throws.
 */
export async function* lineGroups(response: Response, signal: AbortSignal): AsyncGenerator<readonly string[]> {
  let rest = '';
  for await (const piece of textPieces(response, signal)) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    if (lines.length > 0) yield lines;
  }
}
