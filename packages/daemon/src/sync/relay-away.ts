import { HoldfastError } from '@holdfast/protocol';

import type { LinkStatus } from './link.ts';

/** What whoever needs the relay now is told while it is away: `relay-unreachable`, with `last_contact_at`. */
export function relayAway({ state, lastContactMs }: LinkStatus, reason: string | null): HoldfastError {
  const lastContactAt = lastContactMs === null ? null : new Date(lastContactMs).toISOString();
  const since = lastContactAt === null ? 'since this daemon started' : `since ${lastContactAt}`;
  const detail = `${reason ?? 'the relay cannot be reached'}; it was not heard of ${since}`;
  return new HoldfastError('relay-unreachable', detail, {
    extensions: { last_contact_at: lastContactAt, link: state },
  });
}
