export { type AboutCollection, DeclaredCollections } from './declared-collections.ts';
export type { Unindexed } from './index-bound.ts';
export { agentsOf, networkScope, oneOf, readableBy } from './network-query.ts';
export type { Audience, NetworkStreamOptions, NetworkView, NodeReader } from './network-view.ts';
export { closedTo, mayRead, noneOf } from './sight.ts';
