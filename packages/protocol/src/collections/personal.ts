import { isJsonObject, type Json } from '../document.ts';
import type { Declaration } from './declaration.ts';
import { flatFields } from './paths.ts';

/** What stands in the place of what a reader may not see. */
const MASK = '***';

/** The personal fields of a collection, with dots; where members of a list are, the list itself. */
export function personalPaths({ fields = {} }: Declaration): string[] {
  const paths = flatFields(fields).filter(({ field }) => field.personal === true);
  return [...new Set(paths.map(({ path }) => path.split('[]', 1)[0] ?? path))];
}

/** A document with what stands at these paths made unreadable; that it is there can be seen. */
export function maskedDocument(document: Json, paths: readonly string[]): Json {
  return paths.reduce((masked, path) => maskedAt(masked, path.split('.')), document);
}

function maskedAt(value: Json, [first, ...rest]: readonly string[]): Json {
  if (first === undefined) return value === null ? null : MASK;
  if (!isJsonObject(value) || !Object.hasOwn(value, first)) return value;
  return { ...value, [first]: maskedAt(value[first] as Json, rest) };
}
