import { isJsonObject, type Json, type Record as PublicRecord } from '@holdfast/protocol';

import { documentSegments } from './field.ts';

type Tree = Map<string, Tree | true>;

/** The selected parts of a document, in their places; parts it does not have are left out. */
export function project(document: PublicRecord['doc'], select: readonly string[]): PublicRecord['doc'] {
  const tree: Tree = new Map();
  for (const name of select) insert(tree, documentSegments(name));
  return pick(document, tree) as PublicRecord['doc'];
}

function insert(tree: Tree, segments: readonly string[]): void {
  const [first, ...rest] = segments;
  if (first === undefined) return;
  const branch = tree.get(first);
  if (rest.length === 0 || branch === true) {
    tree.set(first, true);
    return;
  }
  const inner = branch ?? new Map<string, Tree | true>();
  tree.set(first, inner);
  insert(inner, rest);
}

function pick(value: Json, tree: Tree): Json {
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).flatMap(([key, inner]): [string, Json][] => {
    const branch = tree.get(key);
    if (branch === undefined) return [];
    return [[key, branch === true ? inner : pick(inner, branch)]];
  });
  return Object.fromEntries(entries);
}
