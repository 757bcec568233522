import {
  type Change,
  COLLECTION_PATTERN,
  documentOf,
  HoldfastError,
  isHoldfastError,
  isJsonObject,
  isRecordId,
  type Json,
  NO_RESOURCE,
  RESOURCE_PATTERN,
  VERSION_PATTERN,
} from '@holdfast/protocol';
import { recordHash, type RecordRow } from '@holdfast/store';

import type { IncomingChange, Refusal } from '../storage/relay-store.ts';

/** The last millisecond a JavaScript date can tell (ECMAScript, "Time Values"): later ones have no RFC 3339 form. */
const LAST_MS = 8_640_000_000_000_000;
const HASH_PATTERN = /^[0-9a-f]{32}$/;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads one change line. Says what `changeSchema` says, by hand, as this runs for every record that travels (a test
 * compares the two), and further: the document must be there and follow the document rules, the hash must be that of
 * the content, times must be such that a date can hold them.
 *
 * What it cannot accept comes back as a refusal. Throws `bad-json` and `invalid-request` for a line without a seq: it has
 * no place in the stream that a refusal could name. `place` says which line, for the message.
 */
export function readChangeLine(line: string, place: string): IncomingChange {
  return readChange(parse(line, place), line, place);
}

/** Like `readChangeLine`, for a change that is parsed already. */
export function readChange(value: unknown, line: string, place: string): IncomingChange {
  if (!isObject(value)) throw misplaced(place, 'a change is a JSON object');
  const { seq } = value;
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) throw misplaced(place, 'seq is no position');
  try {
    return { seq, line, row: rowOf(value, seq, line) };
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    return { seq, line, refusal: refusalOf(value, error) };
  }
}

function parse(line: string, place: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new HoldfastError('bad-json', `${place} is not JSON`);
  }
}

function isObject(value: unknown): value is Fields {
  return isJsonObject(value as Json);
}

function rowOf(fields: Fields, seq: number, line: string): RecordRow {
  if (!isEnvelope(fields)) throw refused(`${firstFault(fields)} is not as a change must have it`);
  const { resource, collection, id, version, createdAtMs, updatedAtMs, expiresAtMs, deleted, hash } = fields;
  const doc = deleted ? null : documentOf(fields.doc as Json, line).text;
  const content = { resource, collection, id, version, createdAtMs, updatedAtMs, expiresAtMs, deleted, doc };
  if (recordHash(content) !== hash) throw refused('hash is not that of the content: it was changed on the way');
  return { ...content, seq, hash };
}

type Envelope = Omit<Change, 'seq'>;

/** What each member of a change must be. */
const rules: { readonly [Name in keyof Envelope]: (value: unknown) => boolean } = {
  resource: isResource,
  collection: isCollection,
  id: (value) => typeof value === 'string' && isRecordId(value),
  version: isVersion,
  createdAtMs: isMs,
  updatedAtMs: isMs,
  expiresAtMs: (value) => value === null || isMs(value),
  deleted: (value) => typeof value === 'boolean',
  hash: (value) => typeof value === 'string' && HASH_PATTERN.test(value),
  doc: (value) => value !== undefined,
};

function isEnvelope(fields: Fields): fields is Fields & Envelope {
  return firstFault(fields) === undefined;
}

function firstFault(fields: Fields): string | undefined {
  for (const name in rules) if (!rules[name as keyof Envelope](fields[name])) return name;
  return undefined;
}

function isResource(value: unknown): value is string {
  return value === NO_RESOURCE || (typeof value === 'string' && RESOURCE_PATTERN.test(value));
}

function isCollection(value: unknown): value is string {
  return typeof value === 'string' && COLLECTION_PATTERN.test(value);
}

function isVersion(value: unknown): value is string {
  return typeof value === 'string' && VERSION_PATTERN.test(value);
}

function isMs(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= LAST_MS;
}

function refusalOf({ resource, collection, id, version }: Fields, error: HoldfastError): Refusal {
  return {
    code: error.code,
    reason: error.message,
    resource: isResource(resource) ? resource : null,
    collection: isCollection(collection) ? collection : null,
    record: typeof id === 'string' && isRecordId(id) ? id : null,
    version: isVersion(version) ? version : null,
  };
}

function refused(reason: string): HoldfastError {
  return new HoldfastError('invalid-request', reason);
}

function misplaced(place: string, message: string): HoldfastError {
  return new HoldfastError('invalid-request', `${place}: ${message}`, { issues: [{ path: place, message }] });
}
