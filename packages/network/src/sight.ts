import {
  type Collection,
  HoldfastError,
  type Json,
  maskedDocument,
  type NetworkQuery,
  personalPaths,
} from '@holdfast/protocol';
import { placeholders, type QueryScope, sql, type Sql } from '@holdfast/store';

import type { Audience } from './network-view.ts';

/** What a role sees of the network: which collections, and what of their documents. */
export interface Sight {
  /** Holds for the records it sees. */
  readonly visible: readonly Sql[];
  readonly names: Pick<QueryScope['names'], 'isHidden'>;
  /** A document as it is shown. */
  readonly shown: NonNullable<QueryScope['shown']> | undefined;
}

/**
 * What a role sees of what a query asks for, as collections declare it: those it may read, and for viewers no personal field, neither
 * in answers nor by asking for what is in it. Throws `forbidden` when that is what the query asks for.
 */
export function sightOf(audience: Audience, query: NetworkQuery, collections: readonly Collection[]): Sight {
  const closed = closedTo(audience, collections);
  const isClosed = (name: string): boolean => closed.some((collection) => collection.name === name);
  if (query.collection !== undefined && isClosed(query.collection))
    throw new HoldfastError('forbidden', `the role "${audience}" may not read "${query.collection}"`);
  const visible = query.collection === undefined && closed.length > 0 ? [noneOf(closed)] : [];
  if (audience === 'operator') return { visible, names: {}, shown: undefined };
  const asked = collections.filter(({ name }) => query.collection === undefined || name === query.collection);
  const personal = new Map(asked.map((collection) => [collection.name, personalPaths(collection)]));
  const all = [...personal.values()].flat();
  const isHidden = (path: string): boolean => all.some((hidden) => overlaps(hidden, path));
  if (query.search !== undefined) assertNoneSearched(asked, isHidden);
  const shown = (document: Json, collection: string): Json => maskedDocument(document, personal.get(collection) ?? []);
  return { visible, names: { isHidden }, shown };
}

/** Those of some collections that a role may not read. */
export function closedTo(audience: Audience, collections: readonly Collection[]): readonly Collection[] {
  return collections.filter((collection) => !mayRead(audience, collection));
}

/** Whether a role may read a collection, as that declares it; a free-form one every role may. */
export function mayRead(audience: Audience, collection: Collection | undefined): boolean {
  return collection?.readers?.includes(audience) ?? true;
}

function assertNoneSearched(collections: readonly Collection[], isHidden: (path: string) => boolean): void {
  if (!collections.some(({ search = [] }) => search.some(isHidden))) return;
  throw new HoldfastError('forbidden', 'the words of personal fields are searched with it');
}

/** Holds for records of none of some collections. */
export function noneOf(collections: readonly Collection[]): Sql {
  return sql(`collection NOT IN (${placeholders(collections.length)})`, ...collections.map(({ name }) => name));
}

/** Whether one path is the other, or leads into it. */
function overlaps(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}.`) || other.startsWith(`${one}.`);
}
