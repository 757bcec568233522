import type { Collection, DocumentKind } from './declaration.ts';
import { kv } from './kv.ts';
import { messages } from './messages.ts';
import { threads } from './threads.ts';

/** The collections that ship with Holdfast. */
export const builtInCollections: readonly Collection[] = Object.freeze([kv, threads, messages]);

const byName = new Map(builtInCollections.map((collection) => [collection.name, collection]));

/** What documents a collection takes: as declared, and objects in a free-form one. */
export function documentKind(collection: string): DocumentKind {
  return byName.get(collection)?.document ?? 'object';
}
