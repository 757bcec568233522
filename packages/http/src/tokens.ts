import { hash as hashOf, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

const PATTERN = /^hf_[0-9a-f]{12}_[0-9a-f]{64}_[0-9a-f]{8}$/;
const ID_START = 3;
const ID_END = ID_START + 12;
const SECRET_START = ID_END + 1;
const SECRET_END = SECRET_START + 64;

/** A token just made. Only `id` and `hash` are to be kept; `token` is shown once. */
export interface NewToken {
  /** `hf_<12 hex id>_<64 hex secret>_<8 hex crc32 of all before it>`. */
  readonly token: string;
  readonly id: string;
  /** SHA-256 of the secret, in hexadecimal. */
  readonly hash: string;
}

/** A token taken apart. */
export interface ParsedToken {
  readonly id: string;
  readonly secret: string;
}

/** Makes a token with 256 random bits. */
export function makeToken(): NewToken {
  const id = randomBytes(6).toString('hex');
  const secret = randomBytes(32).toString('hex');
  const body = `hf_${id}_${secret}`;
  return { token: `${body}_${crc32(body).toString(16).padStart(8, '0')}`, id, hash: digestOf(secret) };
}

/** Takes a token apart; undefined if it has not the form or its checksum is wrong, as after a typing error. */
export function parseToken(text: string): ParsedToken | undefined {
  if (!PATTERN.test(text)) return undefined;
  if (crc32(text.slice(0, SECRET_END)) !== Number.parseInt(text.slice(SECRET_END + 1), 16)) return undefined;
  return { id: text.slice(ID_START, ID_END), secret: text.slice(SECRET_START, SECRET_END) };
}

/** What an unknown id's secret is compared with; no secret hashes to it. */
const UNKNOWN_HASH = '-'.repeat(64);

/**
 * Whether a secret belongs to a stored hash, in constant time. Pass undefined for an unknown id: the same work is done
 * and the answer is false, so that time does not tell which ids exist.
 */
export function tokenMatches(secret: string, hash: string | undefined): boolean {
  const given = Buffer.from(digestOf(secret), 'latin1');
  const stored = Buffer.from(hash ?? UNKNOWN_HASH, 'latin1');
  return stored.length === given.length && timingSafeEqual(given, stored);
}

function digestOf(secret: string): string {
  return hashOf('sha256', secret, 'hex');
}
