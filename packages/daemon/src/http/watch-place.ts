import type { ReadHeader } from '@holdfast/http';

import type { Watches } from '../service/shared/watches.ts';

/** What a request says of the place it goes on from. */
interface PlaceCall {
  readonly query: { readonly from?: 'beginning' | 'now' | undefined };
  readonly header: ReadHeader;
}

/** From where who follows is to be told: after the last event that was seen, if one was; undefined: from the beginning. */
export function placeAsked({ query, header }: PlaceCall, watches: Pick<Watches, 'end'>): string | undefined {
  return header('last-event-id') ?? (query.from === 'now' ? watches.end : undefined);
}
