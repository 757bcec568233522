import { pipeline } from 'node:stream';
import { constants, createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';

import { HoldfastError, isHoldfastError, limits } from '@holdfast/protocol';

import type { BodyShare } from './body-budget.ts';
import type { Encoding } from './guards.ts';

/**
 * A zstd frame may ask for a window of gigabytes; RFC 8878 §3.1.1.1.2 recommends decoders to support 8 MiB and lets
 * them refuse more.
 */
const zstdOptions = { params: { [constants.ZSTD_d_windowLogMax]: 23 } };

/** Beyond the first `limits.decompressedBodyBytes` a stream may grow to so many times what was sent. */
const STREAM_RATIO = 200;
const STREAM_CHUNK_BYTES = 64 * 1024;

/**
 * Decompresses a whole body, piece by piece out of its share. Throws `body-too-large` before more than `maxBytes` are kept,
 * `bad-encoding`, `queue-full`.
 */
export async function decompress(
  bytes: Buffer,
  encoding: Encoding,
  maxBytes: number,
  share: BodyShare,
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of decompressStream([bytes], encoding)) {
    size += piece.length;
    if (size > maxBytes) throw swollen(maxBytes);
    const refusal = share.take(piece.length);
    if (refusal !== undefined) throw refusal;
    pieces.push(piece);
  }
  return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces, size);
}

/**
 * Decompresses a stream as it comes. Throws what `chunks` throws, `bad-encoding`, and `body-too-large` when the stream
 * swells like a bomb.
 */
export async function* decompressStream(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  encoding: Encoding,
): AsyncGenerator<Buffer> {
  const decoder = decoderOf(encoding);
  let bytesIn = 0;
  let bytesOut = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      bytesIn += chunk.length;
      yield chunk;
    }
  };
  // Failures come out of the loop below; the callback is there because pipeline wants one.
  pipeline(counted, decoder, () => undefined);
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      bytesOut += chunk.length;
      const allowedBytes = limits.decompressedBodyBytes + STREAM_RATIO * bytesIn;
      if (bytesOut > allowedBytes) throw swollen(allowedBytes);
      yield chunk;
    }
    if (decoder.bytesWritten < bytesIn) throw trailing();
  } catch (error) {
    throw refusal(error);
  } finally {
    decoder.destroy();
  }
}

function decoderOf(encoding: Encoding): Gunzip | ZstdDecompress {
  return encoding === 'gzip'
    ? createGunzip({ chunkSize: STREAM_CHUNK_BYTES })
    : createZstdDecompress({ ...zstdOptions, chunkSize: STREAM_CHUNK_BYTES });
}

function refusal(error: unknown): HoldfastError {
  if (isHoldfastError(error)) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return new HoldfastError('bad-encoding', `the decoder stopped with ${code}`);
}

function swollen(maxBytes: number): HoldfastError {
  return new HoldfastError('body-too-large', `the body is over ${maxBytes} bytes when decompressed`);
}

function trailing(): HoldfastError {
  return new HoldfastError('bad-encoding', 'more bytes follow the end of the compressed data; send one frame');
}
