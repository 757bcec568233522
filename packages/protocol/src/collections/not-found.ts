import { HoldfastError } from '../errors.ts';
import { didYouMean } from '../nearest.ts';

/** `collection-not-found`, with the nearest of the collections that whoever asks may know of. */
export function collectionNotFound(name: string, known: Iterable<string>): HoldfastError {
  return new HoldfastError('collection-not-found', `there is no collection "${name}"${didYouMean(name, known)}`);
}
