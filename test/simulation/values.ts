import { LETTERS, MAIL } from '@holdfast/daemon/parts';
import { CHANNEL_MESSAGES } from '@holdfast/protocol';
import type { RecordRow } from '@holdfast/store';

/** A key inside a node, as text. */
export type Key = string;

/** A change as a batch carries it or a record as it stands, as far as this proof needs it. */
export type Stored = Pick<
  RecordRow,
  | 'resource'
  | 'collection'
  | 'id'
  | 'version'
  | 'expiresAtMs'
  | 'deleted'
  | 'hash'
  | 'doc'
  | 'createdAtMs'
  | 'updatedAtMs'
>;

/** One write that was asked for. */
export interface Write {
  /** Counts up over the world: a later write has a higher one. 0: nothing was ever written. */
  readonly serial: number;
  readonly key: Key;
  /** The document; null for a deletion, undefined for nothing. */
  readonly text: string | null | undefined;
  /** The relay will refuse it. */
  readonly isPoison: boolean;
  /** The writes it is made with, together or not at all, itself among them; undefined for one on its own. */
  readonly group?: readonly Write[];
}

/** What stands under a key that nobody wrote. */
export function nothing(key: Key): Write {
  return { serial: 0, key, text: undefined, isPoison: false };
}

/** The key of a record of an agent. */
export function keyOf(
  agent: string,
  { resource, collection, id }: Pick<Stored, 'resource' | 'collection' | 'id'>,
): Key {
  return [agent, resource, collection, id].join(' ');
}

/** Whether a record is a letter: one that was sent, or one that came. */
export function isOfLetters({ collection }: Pick<Stored, 'collection'>): boolean {
  return collection === LETTERS || collection === MAIL;
}

/** Whether a record is a durable message. */
export function isMessage({ collection }: Pick<Stored, 'collection'>): boolean {
  return collection === CHANNEL_MESSAGES;
}

/** What a place holds under a key: a document, null for a tombstone, undefined for nothing. */
export function textIn(stored: Stored | undefined): string | null | undefined {
  return stored === undefined ? undefined : stored.doc;
}

/** Records with a short life. Each side sweeps them on its own, so that nothing can be said of when they go. */
export function isShortLived(key: Key): boolean {
  return key.includes(' short-');
}

/** Records that expire at all. */
export function expires(key: Key): boolean {
  return isShortLived(key) || key.includes(' long-');
}
