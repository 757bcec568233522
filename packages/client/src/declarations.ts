import type { Declaration, Json, WriteAnswer } from '@holdfast/protocol';

import type { AnswerOf, DaemonRoutes } from './calls.ts';
import type { Caller } from './caller.ts';
import type { ChangeOptions } from './collection.ts';
import { orNothing } from './found.ts';

/** A collection as it is known, what is declared of it, and how much is in it. */
export type CollectionInfo = AnswerOf<DaemonRoutes['collection.get']>;

/** What is declared of a collection; `schema`, a JSON Schema (draft 2020-12) of an object, may stand for its fields. */
export type DeclarationRequest = Declaration | (Omit<Declaration, 'fields' | 'open'> & { readonly schema: Json });

/** The agent's collections, and what is declared of them. */
export interface CollectionsClient {
  /** All there are: built in, declared, and begun by a record. */
  list(): Promise<readonly CollectionInfo[]>;
  /** One of them, or undefined if there is none. */
  get(name: string): Promise<CollectionInfo | undefined>;
  /** Declares one. Throws `declaration-conflict` when records or the declaration before contradict it. */
  declare(name: string, declaration: DeclarationRequest, options?: ChangeOptions): Promise<WriteAnswer>;
  /** Takes a declaration back: the collection is free-form then. Undefined if there was none. */
  undeclare(name: string, options?: ChangeOptions): Promise<WriteAnswer | undefined>;
}

/** Opens the agent's collections. Nothing is sent. */
export function openCollections(call: Caller<DaemonRoutes>): CollectionsClient {
  return {
    list: async () => (await call('collection.list', {})).value.collections,
    get: async (name) => (await orNothing(call('collection.get', { params: { name } })))?.value,
    declare: async (name, declaration, { ifMatch, ifFence, ...query } = {}) =>
      (await call('collection.put', { params: { name }, query, body: declaration }, { ifMatch, ifFence })).value,
    undeclare: async (name, { ifMatch, ifFence, ...query } = {}) =>
      (await orNothing(call('collection.delete', { params: { name }, query }, { ifMatch, ifFence })))?.value,
  };
}
