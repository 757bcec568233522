import type { SeededRandom } from '@holdfast/testkit';

/** The bytes of a database and its write-ahead log; null: not there. */
export interface FileBytes {
  readonly database: Buffer;
  readonly wal: Buffer | null;
}

/** A way to spoil a file. */
export interface Mutation {
  readonly kind: string;
  /**
   * Whether it may leave exactly what an earlier moment left, as a log cut short does. No trace of it is on the machine,
   * so only the relay can tell.
   */
  readonly isLikeAnOlderCopy: boolean;
  readonly apply: (bytes: FileBytes, random: SeededRandom, other: FileBytes) => FileBytes;
}

const PAGE_BYTES = 4096;
const SECTOR_BYTES = 512;
const DATABASE_HEADER_BYTES = 100;
const WAL_HEADER_BYTES = 32;
const MOST_FLIPS = 4;

/** Every way files are spoiled. */
export const mutations: readonly Mutation[] = [
  inDatabase('bits of the database flipped', flipBits),
  inDatabase('a page of the database zeroed', (bytes, random) => zero(bytes, random, PAGE_BYTES)),
  inDatabase('a sector of the database is garbage', (bytes, random) => garble(bytes, random, SECTOR_BYTES)),
  inDatabase('a page of the database is another one', swapPages),
  inDatabase('the header of the database is garbage', (bytes, random) =>
    garbleStart(bytes, random, DATABASE_HEADER_BYTES),
  ),
  inDatabase('the database is cut short', (bytes, random) => bytes.subarray(0, random.integer(0, bytes.length - 1))),
  inWal('bits of the log flipped', flipBits),
  inWal('a page of the log zeroed', (bytes, random) => zero(bytes, random, PAGE_BYTES)),
  inWal('a sector of the log is garbage', (bytes, random) => garble(bytes, random, SECTOR_BYTES)),
  inWal('the header of the log is garbage', (bytes, random) => garbleStart(bytes, random, WAL_HEADER_BYTES)),
  cutting('the log is cut short', (wal, random) => wal.subarray(0, random.integer(0, wal.length - 1))),
  cutting('the log is gone', () => null),
  {
    kind: 'the log of another agent',
    isLikeAnOlderCopy: true,
    apply: ({ database }, _random, other) => ({ database, wal: other.wal }),
  },
];

type Spoil = (bytes: Buffer, random: SeededRandom) => Buffer;

function inDatabase(kind: string, spoil: Spoil): Mutation {
  const apply: Mutation['apply'] = ({ database, wal }, random) => ({
    database: spoil(Buffer.from(database), random),
    wal,
  });
  return { kind, isLikeAnOlderCopy: false, apply };
}

function inWal(kind: string, spoil: Spoil): Mutation {
  const apply: Mutation['apply'] = ({ database, wal }, random) => ({
    database,
    wal: wal && spoil(Buffer.from(wal), random),
  });
  return { kind, isLikeAnOlderCopy: false, apply };
}

function cutting(kind: string, cut: (wal: Buffer, random: SeededRandom) => Buffer | null): Mutation {
  const apply: Mutation['apply'] = ({ database, wal }, random) => ({ database, wal: wal && cut(wal, random) });
  return { kind, isLikeAnOlderCopy: true, apply };
}

function flipBits(bytes: Buffer, random: SeededRandom): Buffer {
  for (let flips = random.integer(1, MOST_FLIPS); flips > 0; flips -= 1) {
    const at = random.integer(0, bytes.length - 1);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.integer(0, 7));
  }
  return bytes;
}

function zero(bytes: Buffer, random: SeededRandom, length: number): Buffer {
  const at = placeOf(bytes, random, length);
  return bytes.fill(0, at, Math.min(at + length, bytes.length));
}

function garble(bytes: Buffer, random: SeededRandom, length: number): Buffer {
  const at = placeOf(bytes, random, length);
  for (let place = at; place < Math.min(at + length, bytes.length); place += 1) bytes[place] = random.integer(0, 255);
  return bytes;
}

function garbleStart(bytes: Buffer, random: SeededRandom, length: number): Buffer {
  const at = random.integer(0, length - 1);
  for (let place = at; place < random.integer(at + 1, length); place += 1) bytes[place] = random.integer(0, 255);
  return bytes;
}

function swapPages(bytes: Buffer, random: SeededRandom): Buffer {
  const [from, to] = [placeOf(bytes, random, PAGE_BYTES), placeOf(bytes, random, PAGE_BYTES)];
  bytes.copy(bytes, to, from, from + PAGE_BYTES);
  return bytes;
}

/** Where a piece of that length begins, as disks have them. */
function placeOf(bytes: Buffer, random: SeededRandom, length: number): number {
  return random.integer(0, Math.max(0, Math.ceil(bytes.length / length) - 1)) * length;
}
