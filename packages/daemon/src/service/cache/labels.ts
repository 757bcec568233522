import type { Scope } from '../records.ts';

/** What a value is invalidated by, beside its key. */
export interface Labels {
  readonly tags: readonly string[];
  /** Collections of its agent and resource that it was computed from. */
  readonly collections: readonly string[];
}

/** A cached value's name among those of all agents: agents and resources have no spaces. */
export function nameOf({ agent, resource }: Scope, key: string): string {
  return `${agent} ${resource} ${key}`;
}

/** The mark of a collection. */
export function collectionMark({ agent, resource }: Scope, collection: string): string {
  return `collection ${agent} ${resource} ${collection}`;
}

/** The mark of a tag. */
export function tagMark({ agent, resource }: Scope, tag: string): string {
  return `tag ${agent} ${resource} ${tag}`;
}

/** The mark of an agent's file as a whole. */
export function fileMark(agent: string): string {
  return `file ${agent}`;
}

/** The marks a value depends on; none for most. */
export function marksOf(scope: Scope, { tags, collections }: Labels): readonly string[] {
  const ofTags = tags.map((tag) => tagMark(scope, tag));
  if (collections.length === 0) return ofTags;
  return [...ofTags, ...collections.map((collection) => collectionMark(scope, collection)), fileMark(scope.agent)];
}
