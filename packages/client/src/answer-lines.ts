import { HoldfastUnreachable } from './errors.ts';

/**
 * The whole lines of an NDJSON answer, in the groups they arrived in. A last line without its line feed was cut, and is left
 * out. Throws the reason of `signal` if that ended it, else `HoldfastUnreachable` if the connection broke.
 */
export async function* lineGroups(response: Response, signal: AbortSignal): AsyncGenerator<readonly string[]> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const piece = await readPiece(reader, signal);
    if (piece === undefined) return;
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (lines.length > 0) yield lines;
  }
}

async function readPiece(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    return (await reader.read()).value;
  } catch (cause) {
    signal.throwIfAborted();
    throw new HoldfastUnreachable('the answer was cut short', 'unknown', cause);
  }
}
