export { type AboutCollection, DeclaredCollections } from './declared-collections.ts';
export type { Unindexed } from './index-bound.ts';
export {
  agentsOf,
  networkScope,
  opens,
  readableAgents,
  readableBy,
  type RecordsView,
  scopeOver,
  sharedNamesOf,
} from './network-query.ts';
export type { Audience, NetworkStreamOptions, NetworkView, NodeReader, SharedRights } from './network-view.ts';
export { ofScope, oneOf, type RecordScope, withDeclarations } from './record-scope.ts';
export { closedTo, mayRead, noneOf } from './sight.ts';
