import type { ReadHeader, ServerEvent } from '@holdfast/http';

import type { Watches } from '../service/shared/watches.ts';

/** What a request says of the place it goes on from. */
interface PlaceCall {
  readonly query: { readonly from?: 'beginning' | 'now' | undefined };
  readonly header: ReadHeader;
}

/**
 * Events from the place that a request names: behind the last one that was seen, or from now on, or else from the beginning
 * (`undefined`). Who asks from now on gets that place first, so that a cut before the first event costs nothing.
 */
export async function* eventsFrom(
  { query, header }: PlaceCall,
  watches: Pick<Watches, 'end'>,
  eventsAfter: (place: string | undefined) => AsyncIterable<ServerEvent>,
): AsyncGenerator<ServerEvent> {
  const seen = header('last-event-id');
  const now = seen === undefined && query.from === 'now' ? watches.end : undefined;
  if (now !== undefined) yield { id: now };
  yield* eventsAfter(seen ?? now);
}
