/** Bytes of a write-ahead log before its first frame. */
export const WAL_HEADER_BYTES = 32;

/** Bytes of a frame before its page. */
export const FRAME_HEADER_BYTES = 24;

const VERSION = 3_007_000;
const MAGIC_LITTLE = 0x377f0682;
const MAGIC_BIG = 0x377f0683;

/** A state of the checksum: two 32-bit words, as signed integers. */
export interface Sum {
  readonly first: number;
  readonly second: number;
}

/** The byte order checksums are computed in; all fields are big-endian whatever it is. */
export type ByteOrder = 'little' | 'big';

/** The 32 bytes a log begins with. */
export interface WalHeader {
  readonly order: ByteOrder;
  readonly pageBytes: number;
  /** How often the log was begun anew over its old frames; each time adds one to `salt1`. */
  readonly generation: number;
  readonly salt1: number;
  readonly salt2: number;
  /** As stored: the first frame's checksum goes on from it. */
  readonly sum: Sum;
  /** What the header's own bytes give, in either byte order. */
  readonly computed: Readonly<Record<ByteOrder, Sum>>;
  /** Whether SQLite would accept it. */
  readonly isValid: boolean;
}

/** Reads a log's header; `bytes` has at least 32. */
export function readWalHeader(bytes: Buffer): WalHeader {
  const magic = bytes.readUInt32BE(0);
  const order = magic === MAGIC_BIG ? 'big' : 'little';
  const sum = sumAt(bytes, 24);
  const computed = { little: headerSum(bytes, 'little'), big: headerSum(bytes, 'big') };
  const pageBytes = bytes.readUInt32BE(8);
  const isValid =
    (magic === MAGIC_LITTLE || magic === MAGIC_BIG) &&
    bytes.readUInt32BE(4) === VERSION &&
    isPageSize(pageBytes) &&
    isSameSum(sum, computed[order]);
  return {
    order,
    pageBytes,
    generation: bytes.readUInt32BE(12),
    salt1: bytes.readUInt32BE(16),
    salt2: bytes.readUInt32BE(20),
    sum,
    computed,
    isValid,
  };
}

/** Whether SQLite has pages of that many bytes. */
export function isPageSize(bytes: number): boolean {
  return bytes >= 512 && bytes <= 65_536 && (bytes & (bytes - 1)) === 0;
}

/** The checksum stored at an offset. */
export function sumAt(bytes: Buffer, offset: number): Sum {
  return { first: bytes.readInt32BE(offset), second: bytes.readInt32BE(offset + 4) };
}

/** Whether two checksums are one. */
export function isSameSum(one: Sum, other: Sum): boolean {
  return one.first === other.first && one.second === other.second;
}

/** Goes on from a checksum over `words[from]` up to, not including, `words[to]`: an even number of them. */
export function addToSum(sum: Sum, words: Int32Array, from: number, to: number): Sum {
  let { first, second } = sum;
  for (let at = from; at < to; at += 2) {
    first = (first + (words[at] ?? 0) + second) | 0;
    second = (second + (words[at + 1] ?? 0) + first) | 0;
  }
  return { first, second };
}

/** The way back: the checksum from which `addToSum` over the same words comes to `sum`. */
export function takeFromSum(sum: Sum, words: Int32Array, from: number, to: number): Sum {
  let { first, second } = sum;
  for (let at = to - 2; at >= from; at -= 2) {
    second = (second - (words[at + 1] ?? 0) - first) | 0;
    first = (first - (words[at] ?? 0) - second) | 0;
  }
  return { first, second };
}

/** The words of a buffer as the checksum reads them. Shares the memory of `bytes` where the machine's order is the same. */
export function wordsOf(bytes: Buffer, order: ByteOrder): Int32Array {
  const ordered = order === nativeOrder ? bytes : Buffer.from(bytes).swap32();
  return new Int32Array(ordered.buffer, ordered.byteOffset, ordered.length / 4);
}

const nativeOrder: ByteOrder = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 'little' : 'big';

function headerSum(bytes: Buffer, order: ByteOrder): Sum {
  const copy = Buffer.alloc(24);
  bytes.copy(copy, 0, 0, 24);
  return addToSum({ first: 0, second: 0 }, wordsOf(copy, order), 0, 6);
}
