import type { BuiltInCollection } from './declaration.ts';

/** The name of the collection that holds shared context. */
export const CONTEXT = 'context';

/** What agents of all nodes tell each other, also reachable as `/v1/context/{key}`: the last writer of the network counts. */
export const context: BuiltInCollection = Object.freeze<BuiltInCollection>({
  name: CONTEXT,
  help: 'Any JSON value under a key, shared by the agents of all nodes, with an optional time to live',
  document: 'any',
  conflict: 'shared',
  example: { id: 'candidate:c-1042:analysis', document: { score: 0.87, skills: ['Python', 'Django'] } },
});
