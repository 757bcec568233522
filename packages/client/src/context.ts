import type { Json, WriteAnswer } from '@holdfast/protocol';

import type { Caller } from './caller.ts';
import type { DaemonRoutes } from './calls.ts';
import type { PutOptions } from './collection.ts';
import type { EventCaller } from './event-caller.ts';
import { type KvClient, openKv } from './kv.ts';
import { type WatchedRecord, type WatchOptions, watchRecords } from './watch.ts';

/** A key that changed, as it is now. */
export interface WatchedKey<T> extends Omit<WatchedRecord<T>, 'id' | 'doc'> {
  readonly key: string;
  /** What it is taken to be; undefined when it is deleted. */
  readonly value: T | undefined;
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

async function* watchedKeys<T>(
  events: EventCaller<DaemonRoutes>,
  options: WatchOptions,
): AsyncGenerator<WatchedKey<T>, void> {
  for await (const { id: key, doc: value, ...rest } of watchRecords<T>(events, 'context', options)) {
    yield { ...rest, key, value };
  }
}
