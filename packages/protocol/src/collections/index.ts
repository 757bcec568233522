import { achievements } from './achievements.ts';
import { agents } from './agents.ts';
import { candidates } from './candidates.ts';
import { channelMessages } from './channel-messages.ts';
import { collections } from './collections.ts';
import { context } from './context.ts';
import { decisions } from './decisions.ts';
import type { BuiltInCollection, Collection } from './declaration.ts';
import type { DocumentOf } from './document-of.ts';
import type { Fields } from './field.ts';
import { goals } from './goals.ts';
import { interactions } from './interactions.ts';
import { interviews } from './interviews.ts';
import { kv } from './kv.ts';
import { letters } from './letters.ts';
import { mail } from './mail.ts';
import { messages } from './messages.ts';
import { metrics } from './metrics.ts';
import { tasks } from './tasks.ts';
import { requisitions } from './requisitions.ts';
import { sessions } from './sessions.ts';
import { threads } from './threads.ts';

const builtIn = [
  kv,
  context,
  channelMessages,
  threads,
  messages,
  candidates,
  requisitions,
  interviews,
  interactions,
  tasks,
  agents,
  mail,
  letters,
  decisions,
  metrics,
  goals,
  achievements,
  sessions,
  collections,
] as const;

type Declared = Extract<(typeof builtIn)[number], { readonly fields: Fields }>;

/** The documents of the collections that ship with Holdfast, by collection. */
export type BuiltInDocuments = {
  readonly [Name in Declared['name']]: DocumentOf<Extract<Declared, { readonly name: Name }>>;
};

/** The collections that ship with Holdfast. */
export const builtInCollections: readonly BuiltInCollection[] = Object.freeze(builtIn);

const byName = new Map<string, BuiltInCollection>(
  builtInCollections.map((collection) => [collection.name, collection]),
);

/** The collection of that name that ships with Holdfast; undefined if none does. */
export function builtInCollection(name: string): BuiltInCollection | undefined {
  return byName.get(name);
}

/** Where what is known of a collection comes from. */
export const collectionKinds = ['built-in', 'declared', 'free-form'] as const;

/** Where what is known of a collection comes from; `declared`: what that is, if anything. */
export function collectionKind(name: string, declared: Collection | undefined): (typeof collectionKinds)[number] {
  if (builtInCollection(name) !== undefined) return 'built-in';
  return declared === undefined ? 'free-form' : 'declared';
}
