import {
  type Collection,
  collectionKind,
  collectionNotFound,
  type daemonRoutes,
  jsonSchemaOf,
} from '@holdfast/protocol';
import type { Handlers } from '@holdfast/http';
import type { CollectionCount } from '@holdfast/store';

import type { StatusSources } from '../service/node-status.ts';
import type { FileContents, SharedSpace } from '../service/shared/shared-space.ts';
import { type DaemonCaller, wholeAgentOf } from './caller.ts';

type CollectionRouteId = 'collection.list' | 'collection.get';

/** Answers the calls that show collections. */
export function collectionHandlers(
  { files }: Pick<StatusSources, 'files'>,
  space: SharedSpace,
): Handlers<Pick<typeof daemonRoutes, CollectionRouteId>, DaemonCaller> {
  const all = (identity: DaemonCaller): Listed[] => {
    const file = files.get(wholeAgentOf(identity));
    const own = listed({ declared: file.declared, counts: file.collections() }).filter(
      ({ name }) => !space.holds(name),
    );
    return [...own, ...listed(space.contents()).filter(({ name }) => space.holds(name))];
  };
  return {
    'collection.list': ({ identity }) => ({ json: { collections: all(identity) } }),
    'collection.get': ({ identity, params: { name } }) => {
      const collections = all(identity);
      const found = collections.find((collection) => collection.name === name);
      if (found !== undefined) return { json: found };
      // Throws while it is not known what others declared shared.
      space.found();
      throw collectionNotFound(
        name,
        collections.map((collection) => collection.name),
      );
    },
  };
}

type Listed = { readonly name: string } & Record<string, unknown>;

function listed({ declared, counts }: FileContents): Listed[] {
  const known = new Set(declared.map(({ name }) => name));
  const records = new Map(counts?.map((each) => [each.name, each.records]));
  return [
    ...declared.map((entry) => ({
      ...described(entry),
      records: counts === undefined ? null : (records.get(entry.name) ?? 0),
    })),
    ...(counts ?? []).filter(({ name }) => !known.has(name)).map(freeForm),
  ];
}

function freeForm({ name, records }: CollectionCount): Listed {
  const help = 'Not declared: any JSON objects';
  return { name, kind: collectionKind(name, undefined), help, document: 'object', records };
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
