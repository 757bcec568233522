import type { Watched } from '@holdfast/protocol';

import type { DaemonRoutes, InputOf } from './calls.ts';
import type { EventCaller } from './event-caller.ts';
import type { ResumeOptions } from './event-reader.ts';
import { Told } from './told.ts';

/** Which records of a shared collection are followed, and from where. */
export interface WatchOptions extends ResumeOptions, NonNullable<InputOf<DaemonRoutes['watch']>['query']> {}

/** A shared record that changed, as it is now. */
export interface WatchedRecord<T> extends Omit<Watched, 'doc'> {
  /** What it is taken to be; undefined when it is deleted. */
  readonly doc: T | undefined;
  /** Where to go on from, as `after`. */
  readonly place: string;
}

/** Follows a shared collection: what is there, then what changes; each state of a record once. */
export async function* watchRecords<T>(
  events: EventCaller<DaemonRoutes>,
  collection: string,
  { signal, after, ...query }: WatchOptions = {},
): AsyncGenerator<WatchedRecord<T>, void> {
  const told = new Told();
  for await (const { id: place, data } of events('watch', { params: { collection }, query }, { signal, after })) {
    const { doc, ...rest } = data;
    // A state that is moved in the daemon's file, or read again after a cut, is no change.
    if (told.isNew(data.id, stateOf(data))) yield { ...rest, doc: doc as T | undefined, place };
  }
}

function stateOf({ version, deleted }: Watched): string {
  return deleted ? `${version} deleted` : version;
}
