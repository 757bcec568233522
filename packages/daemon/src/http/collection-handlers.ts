import {
  builtInCollections,
  type Collection,
  collectionKind,
  collectionNotFound,
  type daemonRoutes,
  jsonSchemaOf,
} from '@holdfast/protocol';
import type { Handlers } from '@holdfast/http';
import type { AgentStore } from '@holdfast/store';

import type { StatusSources } from '../service/node-status.ts';
import type { SharedSpace } from '../service/shared/shared-space.ts';
import { type DaemonCaller, wholeAgentOf } from './caller.ts';

type CollectionRouteId = 'collection.list' | 'collection.get';

/** Answers the calls that show collections. */
export function collectionHandlers(
  { files }: Pick<StatusSources, 'files'>,
  space: SharedSpace,
): Handlers<Pick<typeof daemonRoutes, CollectionRouteId>, DaemonCaller> {
  const all = (identity: DaemonCaller): Listed[] => {
    const own = listed(files.get(wholeAgentOf(identity))).filter(({ name }) => !space.holds(name));
    const shared = space.found();
    const others = shared === undefined ? [] : listed(shared).filter(({ name }) => space.holds(name));
    return [...own, ...(shared === undefined ? builtInShared() : others)];
  };
  return {
    'collection.list': ({ identity }) => ({ json: { collections: all(identity) } }),
    'collection.get': ({ identity, params: { name } }) => {
      const collections = all(identity);
      const found = collections.find((collection) => collection.name === name);
      if (found !== undefined) return { json: found };
      throw collectionNotFound(
        name,
        collections.map((collection) => collection.name),
      );
    },
  };
}

type Listed = { readonly name: string } & Record<string, unknown>;

function listed(store: AgentStore): Listed[] {
  const counts = new Map(store.collections().map(({ name, records }) => [name, records]));
  const declared = store.declared.map((entry) => ({
    ...described(entry),
    records: counts.get(entry.name) ?? 0,
  }));
  const known = new Set(declared.map(({ name }) => name));
  const freeForm = [...counts].filter(([name]) => !known.has(name));
  return [
    ...declared,
    ...freeForm.map(([name, records]) => ({
      name,
      kind: collectionKind(name, undefined),
      help: 'Not declared: any JSON objects',
      document: 'object',
      records,
    })),
  ];
}

function builtInShared(): Listed[] {
  const shared = (builtInCollections as readonly Collection[]).filter(({ conflict }) => conflict === 'shared');
  return shared.map((collection) => ({ ...described(collection), records: 0 }));
}

function described(collection: Collection): Listed {
  const { name, help, document = 'object', writtenBy: _call, ...declaration } = collection;
  return {
    name,
    kind: collectionKind(name, collection),
    help: help ?? '',
    document,
    declaration,
    ...(document === 'object' && { schema: jsonSchemaOf(collection) }),
  };
}
