import type { Json, Watched, WriteAnswer } from '@holdfast/protocol';

import type { Caller } from './caller.ts';
import type { DaemonRoutes, InputOf } from './calls.ts';
import type { PutOptions } from './collection.ts';
import type { EventCaller } from './event-caller.ts';
import type { ResumeOptions } from './event-reader.ts';
import { type KvClient, openKv } from './kv.ts';

/** Which keys are followed, and from where. */
export interface WatchOptions extends ResumeOptions, NonNullable<InputOf<DaemonRoutes['watch']>['query']> {}

/** A key that changed, as it is now. */
export interface WatchedKey<T> extends Omit<Watched, 'id' | 'doc'> {
  readonly key: string;
  /** What it is taken to be; undefined when it is deleted. */
  readonly value: T | undefined;
  /** Where to go on from, as `after`. */
  readonly place: string;
}

/**
 * What the agents of all nodes share under keys. Written here and read here at once, with or without the relay; of two writes of one
 * key the later one counts on every node, once they have heard of each other. What is deleted is deleted for all nodes.
 */
export interface ContextClient extends KvClient {
  /** Changes parts of a value: JSON Merge Patch. */
  patch(key: string, patch: unknown, options?: Omit<PutOptions, 'ifNoneMatch'>): Promise<WriteAnswer>;
  /**
   * What is under keys that begin with `prefix`, then what changes, on whichever node, until `signal` ends it; goes on by itself after
   * a cut. A key that changes faster than it is read is told of with its latest value, and with none twice.
   */
  watch<T = Json>(prefix?: string, options?: Omit<WatchOptions, 'prefix'>): AsyncIterable<WatchedKey<T>>;
}

/** Shared context behind these calls. Nothing is sent. */
export function openContext(call: Caller<DaemonRoutes>, events: EventCaller<DaemonRoutes>): ContextClient {
  return {
    ...openKv(call, 'context'),
    patch: async (key, body, { ifMatch, ifFence, ...query } = {}) =>
      (await call('context.patch', { params: { key }, query, body }, { ifMatch, ifFence })).value,
    watch: (prefix, options) => watchedKeys(events, { ...options, prefix }),
  };
}

/** Follows the context: what is there, then what changes; each state of a key once. */
async function* watchedKeys<T>(
  events: EventCaller<DaemonRoutes>,
  { signal, after, ...query }: WatchOptions,
): AsyncGenerator<WatchedKey<T>, void> {
  const states = new Map<string, string>();
  const changes = events('watch', { params: { collection: 'context' }, query }, { signal, after });
  for await (const { id: place, data } of changes) {
    const { id: key, doc, ...rest } = data;
    // A state that is moved in the daemon's file, or read again after a cut, is no change.
    if (states.get(key) === stateOf(data)) continue;
    states.set(key, stateOf(data));
    yield { ...rest, key, value: doc as T | undefined, place };
  }
}

function stateOf({ version, deleted }: Watched): string {
  return deleted ? `${version} deleted` : version;
}
