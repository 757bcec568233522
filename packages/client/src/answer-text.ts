import { HoldfastUnreachable } from './errors.ts';

/**
 * The text of an answer in the pieces it arrives in. Throws the reason of `signal` if that ended it, else `HoldfastUnreachable` if
 * the connection broke.
 */
export async function* textPieces(response: Response, signal: AbortSignal): AsyncGenerator<string, void> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  for (;;) {
    const piece = await readPiece(reader, signal);
    if (piece === undefined) return;
    yield decoder.decode(piece, { stream: true });
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
