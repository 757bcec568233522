import { type daemonRoutes, HoldfastError, type Watched } from '@holdfast/protocol';
import type { Answer, Handlers, ServerEvent } from '@holdfast/http';
import { toTimestamp } from '@holdfast/store';

import type { SharedSpace } from '../service/shared/shared-space.ts';
import type { WatchedChange, Watches } from '../service/shared/watches.ts';
import { type DaemonCaller, scopeOf } from './caller.ts';
import { eventsFrom } from './watch-place.ts';

/** What the handlers answer from. */
export interface SharedServices {
  readonly space: SharedSpace;
  readonly watches: Watches;
}

/** Answers who follows what all nodes share. */
export function sharedHandlers({
  space,
  watches,
}: SharedServices): Handlers<Pick<typeof daemonRoutes, 'watch'>, DaemonCaller> {
  return {
    watch: ({ identity, params: { collection }, query, header, signal }): Answer => {
      const { resource } = scopeOf(identity);
      if (!space.holds(collection)) throw new HoldfastError('not-shared', `"${collection}" is not shared`);
      const scope = { resource, collection, prefix: query.prefix ?? '' };
      return {
        events: eventsFrom({ query, header }, watches, (after) => eventsOf(watches.changes(scope, after, signal))),
      };
    },
  };
}

async function* eventsOf(changes: AsyncIterable<WatchedChange>): AsyncGenerator<ServerEvent> {
  for await (const { record, place } of changes) yield { id: place, data: JSON.stringify(watched(record)) };
}

function watched({ id, version, updatedAtMs, expiresAtMs, deleted, text }: WatchedChange['record']): Watched {
  return {
    id,
    version,
    updated_at: toTimestamp(updatedAtMs),
    ...(expiresAtMs !== null && { expires_at: toTimestamp(expiresAtMs) }),
    deleted,
    ...(text !== null && { doc: JSON.parse(text) as Watched['doc'] }),
  };
}
