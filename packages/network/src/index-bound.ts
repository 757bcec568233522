import { builtInCollection, type Collection, limits } from '@holdfast/protocol';

/** Declared indexes that are not built, by collection. */
export type Unindexed = ReadonlyMap<string, readonly (readonly string[])[]>;

/**
 * Collections with those of their indexes that are built, and the other ones: so many nodes may declare collections that SQLite would
 * have too many to look at with every write. Of earlier collections first; those that ship with Holdfast have all of theirs. A search is
 * always built: without it nothing would be found.
 */
export function withinBound(collections: readonly Collection[]): {
  readonly built: readonly Collection[];
  readonly unindexed: Unindexed;
} {
  const unindexed = new Map<string, readonly (readonly string[])[]>();
  let left = limits.relayIndexes;
  const built = collections.map((collection) => {
    const { name, indexes = [] } = collection;
    if (builtInCollection(name) !== undefined) return collection;
    const [first, rest] = [indexes.slice(0, left), indexes.slice(left)];
    left -= first.length;
    if (rest.length === 0) return collection;
    unindexed.set(name, rest);
    return { ...collection, indexes: first };
  });
  return { built, unindexed };
}
