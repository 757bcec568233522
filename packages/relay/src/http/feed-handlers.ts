import { type Answer, type Handlers, wantsLines } from '@holdfast/http';
import type { FeedPage, relayRoutes } from '@holdfast/protocol';

import type { RelayCaller } from '../service/access.ts';
import type { RelayService } from '../service/relay-service.ts';

/** Answers who follows the feed, a page at a time, whole or line by line as the caller accepts. */
export function feedHandlers({
  feed,
}: Pick<RelayService, 'feed'>): Handlers<Pick<typeof relayRoutes, 'feed'>, RelayCaller> {
  return {
    feed: async ({ identity, query, header, signal }): Promise<Answer> => {
      const page = await feed.page(identity, query, signal);
      return wantsLines(header) ? { ndjson: linesOf(page) } : { json: page };
    },
  };
}

async function* linesOf({ changes, ...rest }: FeedPage): AsyncGenerator<string, void> {
  for (const change of changes) yield lineOf(change);
  yield lineOf({ end: true, count: changes.length, ...rest });
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
