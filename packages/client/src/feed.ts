import type { FeedChange, FeedPage } from '@holdfast/protocol';

import type { Caller } from './caller.ts';
import type { InputOf, RelayRoutes } from './calls.ts';
import type { OperatorRoutes } from './relay-calls.ts';

/** How long one request waits at the end of the feed, in seconds. */
const WAIT_SECONDS = 20;

/** Which part of the feed; without `after` from the beginning. */
export type FeedRange = Omit<NonNullable<InputOf<RelayRoutes['feed']>['query']>, 'incarnation'>;

/** A change, and the place in the feed up to which it and all before it are known. */
export interface FeedEntry {
  readonly change: FeedChange;
  /** Go on from here after what the entry brought was kept. */
  readonly cursor: string;
}

/** Which part of the feed is followed, and how long. */
export interface FollowOptions extends Omit<FeedRange, 'wait_seconds' | 'limit'> {
  /** Ends it. Default: never. */
  readonly signal?: AbortSignal | undefined;
}

/** What the relay took, in order: each record once, as it is now. Throws `HoldfastProblem`, `HoldfastUnreachable`. */
export interface FeedClient {
  /** One page. */
  page(range?: FeedRange): Promise<FeedPage>;
  /**
   * All changes from a place on, those to come too, until `signal` ends it; read by pages, which wait at the end. Goes on by itself
   * after failures that may pass. An entry may come again after one that was not whole, never be left out. Throws `HoldfastProblem`
   * with code `feed-refetch` when the relay was put back: forget what is known and follow from the beginning.
   */
  follow(options?: FollowOptions): AsyncIterable<FeedEntry>;
}

/** The feed behind these calls. Nothing is sent. */
export function openFeed(call: Caller<OperatorRoutes>): FeedClient {
  const page = async (query: FeedRange = {}): Promise<FeedPage> =>
    (await call('feed', { query }, { waitMs: (query.wait_seconds ?? 0) * 1000 })).value;
  return { page, follow: (options) => followFeed(page, options) };
}

async function* followFeed(
  page: FeedClient['page'],
  { signal = new AbortController().signal, ...scope }: FollowOptions = {},
): AsyncGenerator<FeedEntry, void> {
  const { promise: ended, resolve } = Promise.withResolvers<undefined>();
  const end = (): void => resolve(undefined);
  signal.addEventListener('abort', end, { once: true });
  try {
    for (let { after } = scope; !signal.aborted;) {
      const next = await Promise.race([page({ ...scope, after, wait_seconds: WAIT_SECONDS }), ended]);
      if (next === undefined) return;
      yield* entriesOf(next, after ?? beginningOf(next.cursor));
      after = next.cursor;
    }
  } finally {
    signal.removeEventListener('abort', end);
  }
}

// Only behind the last one all of the page is known: until then one goes on from where it began.
function* entriesOf({ changes, cursor }: FeedPage, before: string): Generator<FeedEntry, void> {
  for (const [index, change] of changes.entries()) {
    yield { change, cursor: index === changes.length - 1 ? cursor : before };
  }
}

function beginningOf(cursor: string): string {
  return cursor.replace(/\.\d+$/, '.0');
}
