import { pipeline } from 'node:stream';
import {
  constants,
  createGunzip,
  createZstdDecompress,
  type Gunzip,
  gunzip,
  type ZstdDecompress,
  zstdDecompress,
} from 'node:zlib';

import { HoldfastError, isHoldfastError, limits } from '@holdfast/protocol';

import type { Encoding } from './guards.ts';

/**
 * A zstd frame may ask for a window of gigabytes; RFC 8878 §3.1.1.1.2 recommends decoders to support 8 MiB and lets
 * them refuse more.
 */
const zstdOptions = { params: { [constants.ZSTD_d_windowLogMax]: 23 } };

/** Beyond the first `limits.decompressedBodyBytes` a stream may grow to so many times what was sent. */
const STREAM_RATIO = 200;
const STREAM_CHUNK_BYTES = 64 * 1024;

/** Decompresses a whole body. Throws `body-too-large` before more than `maxBytes` are made, `bad-encoding`. */
export function decompress(bytes: Buffer, encoding: Encoding, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, result: Buffer | { buffer: Buffer; engine: { bytesWritten: number } }): void => {
      if (error !== null) reject(refusal(error, maxBytes));
      else if (Buffer.isBuffer(result)) resolve(result);
      else if (result.engine.bytesWritten < bytes.length) reject(trailing());
      else resolve(result.buffer);
    };
    if (encoding === 'gzip') gunzip(bytes, { maxOutputLength: maxBytes }, done);
    // `info` tells how much was read: Node stops after one frame and does not mention the rest.
    else zstdDecompress(bytes, { ...zstdOptions, maxOutputLength: maxBytes, info: true }, done);
  });
}

/**
 * Decompresses a stream as it comes. Throws what `chunks` throws, `bad-encoding`, and `body-too-large` when the stream
 * swells like a bomb.
 */
export async function* decompressStream(chunks: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<Buffer> {
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
    throw refusal(error, limits.decompressedBodyBytes);
  } finally {
    decoder.destroy();
  }
}

function decoderOf(encoding: Encoding): Gunzip | ZstdDecompress {
  return encoding === 'gzip'
    ? createGunzip({ chunkSize: STREAM_CHUNK_BYTES })
    : createZstdDecompress({ ...zstdOptions, chunkSize: STREAM_CHUNK_BYTES });
}

function refusal(error: unknown, maxBytes: number): HoldfastError {
  if (isHoldfastError(error)) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if (code === 'ERR_BUFFER_TOO_LARGE') return swollen(maxBytes);
  return new HoldfastError('bad-encoding', `the decoder stopped with ${code}`);
}

function swollen(maxBytes: number): HoldfastError {
  return new HoldfastError('body-too-large', `the body is over ${maxBytes} bytes when decompressed`);
}

function trailing(): HoldfastError {
  return new HoldfastError('bad-encoding', 'more bytes follow the end of the compressed data; send one frame');
}
