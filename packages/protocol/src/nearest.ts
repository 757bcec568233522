import { closestMatch } from 'leven';

/** What is further away is another word. */
const MAX_DISTANCE = 3;

/** A question after a name that is not known: `; did you mean "skills"?`, or nothing if no name is near. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const maxDistance = Math.min(MAX_DISTANCE, Math.floor(name.length / 2));
  const nearest = closestMatch(name, [...known], { maxDistance });
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`;
}
