import { collections } from './collections.ts';
import type { BuiltInCollection } from './declaration.ts';
import { kv } from './kv.ts';
import { messages } from './messages.ts';
import { threads } from './threads.ts';

/** The collections that ship with Holdfast. */
export const builtInCollections: readonly BuiltInCollection[] = Object.freeze([kv, threads, messages, collections]);

const byName = new Map(builtInCollections.map((collection) => [collection.name, collection]));

/** The collection of that name that ships with Holdfast; undefined if none does. */
export function builtInCollection(name: string): BuiltInCollection | undefined {
  return byName.get(name);
}
