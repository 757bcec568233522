import { collectionNotFound, type NetworkQuery, NO_RESOURCE } from '@holdfast/protocol';
import type { Sql } from '@holdfast/store';

import type { NetworkView } from './network-view.ts';
import type { DeclaredCollections } from './declared-collections.ts';
import { mayRead } from './sight.ts';

/**
 * Throws `collection-not-found`, with the nearest name, for a query of a collection that nobody knows. To people that is nobody in
 * the network; to a node none of the agents it asks for and may see (`agents`, in SQL over that table), so that it hears of no other's
 * collections. Of a node's query that is narrowed to resources nothing is said: whoever may see one resource learns nothing of the others.
 */
export function assertKnown(
  { collection, resources }: NetworkQuery,
  { reader, audience }: NetworkView,
  { declared, agents }: { readonly declared: DeclaredCollections; readonly agents: Sql },
): void {
  if (collection === undefined) return;
  if (reader === undefined) {
    if (declared.knows(collection)) return;
    const isOpen = (name: string): boolean => audience === undefined || mayRead(audience, declared.find(name));
    throw collectionNotFound(collection, [...declared.known].filter(isOpen));
  }
  const isOfResources = resources?.every((resource) => resource === NO_RESOURCE) === false || resources?.length === 0;
  if (isOfResources || declared.isKnownTo(agents, collection)) return;
  throw collectionNotFound(collection, declared.knownTo(agents));
}
