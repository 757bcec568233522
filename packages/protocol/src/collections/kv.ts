import type { BuiltInCollection } from './declaration.ts';

/** Key-value pairs of an agent: the simplest thing to keep, also reachable as `/v1/kv/{key}`. */
export const kv: BuiltInCollection = Object.freeze<BuiltInCollection>({
  name: 'kv',
  help: 'Any JSON value under a key, with an optional time to live',
  document: 'any',
  example: { id: 'settings:search', document: { minExperienceYears: 3, regions: ['eu'] } },
});
