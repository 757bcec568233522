import { builtInCollection, HoldfastError } from '@holdfast/protocol';

/** Throws `collection-guarded` for a collection whose records are written by a call of their own alone. */
export function assertUnguarded(collection: string): void {
  const call = builtInCollection(collection)?.writtenBy;
  if (call === undefined) return;
  throw new HoldfastError('collection-guarded', `records of "${collection}" are written by ${call}`);
}
