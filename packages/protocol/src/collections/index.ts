import { candidates } from './candidates.ts';
import { collections } from './collections.ts';
import type { BuiltInCollection, Collection } from './declaration.ts';
import { interactions } from './interactions.ts';
import { interviews } from './interviews.ts';
import { kv } from './kv.ts';
import { messages } from './messages.ts';
import { requisitions } from './requisitions.ts';
import { threads } from './threads.ts';

/** The collections that ship with Holdfast. */
export const builtInCollections: readonly BuiltInCollection[] = Object.freeze([
  kv,
  threads,
  messages,
  candidates,
  requisitions,
  interviews,
  interactions,
  collections,
]);

const byName = new Map<string, BuiltInCollection>(
  builtInCollections.map((collection) => [collection.name, collection]),
);

/** The collection of that name that ships with Holdfast; undefined if none does. */
export function builtInCollection(name: string): BuiltInCollection | undefined {
  return byName.get(name);
}

/** Where what is known of a collection comes from. */
export const collectionKinds = ['built-in', 'declared', 'free-form'] as const;

/** Where what is known of a collection comes from; `declared`: what that is, if anything. */
export function collectionKind(name: string, declared: Collection | undefined): (typeof collectionKinds)[number] {
  if (builtInCollection(name) !== undefined) return 'built-in';
  return declared === undefined ? 'free-form' : 'declared';
}
