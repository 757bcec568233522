import { type Answer, type Handlers, type ReadHeader, type ServerEvent, wantsEvents, wantsLines } from '@holdfast/http';
import {
  CAUGHT_UP_EVENT,
  feedCursor,
  type FeedPage,
  type FeedQuery,
  HoldfastError,
  invalidRequest,
  type relayRoutes,
} from '@holdfast/protocol';

import type { RelayCaller } from '../service/access.ts';
import type { FeedStretch } from '../service/feed.ts';
import type { RelayService } from '../service/relay-service.ts';

/** Parameters that say something of a page. */
const OF_PAGES = ['limit', 'wait_seconds', 'incarnation'] as const;

/** Answers who follows the feed: a page at a time, whole or line by line, or event by event, as the caller accepts. */
export function feedHandlers({
  feed,
}: Pick<RelayService, 'feed'>): Handlers<Pick<typeof relayRoutes, 'feed'>, RelayCaller> {
  return {
    feed: async ({ identity, query, header, signal }): Promise<Answer> => {
      if (wantsEvents(header))
        return { events: eventsOf(await feed.follow(identity, followed(query, header), signal)) };
      const page = await feed.page(identity, query, signal);
      return wantsLines(header) ? { ndjson: linesOf(page) } : { json: page };
    },
  };
}

/** What is followed, from where the reader says that it is. Throws `invalid-request`. */
function followed(query: FeedQuery, header: ReadHeader): FeedQuery {
  const given = OF_PAGES.find((name) => query[name] !== undefined);
  if (given !== undefined) throw new HoldfastError('invalid-request', `query.${given}: is for pages, not for events`);
  const { success, data, error } = feedCursor.optional().safeParse(header('last-event-id'));
  if (!success) throw invalidRequest('Last-Event-ID', error);
  return { ...query, after: data ?? query.after };
}

async function* eventsOf(stretches: AsyncIterable<FeedStretch>): AsyncGenerator<readonly ServerEvent[], void> {
  for await (const { entries, cursor, isLast } of stretches) {
    const events: ServerEvent[] = entries.map((entry) => ({ id: entry.cursor, data: JSON.stringify(entry.change) }));
    if (isLast) events.push({ id: cursor, event: CAUGHT_UP_EVENT, data: JSON.stringify({ cursor }) });
    yield events;
  }
}

async function* linesOf({ changes, ...rest }: FeedPage): AsyncGenerator<string, void> {
  for (const change of changes) yield lineOf(change);
  yield lineOf({ end: true, count: changes.length, ...rest });
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
