/** How a rate limit stands. */
export interface RateLimitState {
  readonly limit: number;
  readonly remaining: number;
  readonly reset_seconds: number;
}

/** The headers that tell how a rate limit stands, named as in draft-ietf-httpapi-ratelimit-headers-06. */
export function rateLimitHeaders({ limit, remaining, reset_seconds: reset }: RateLimitState): Record<string, string> {
  return {
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(reset),
  };
}

/** How the rate limit stands that an error tells of; undefined: it tells of none. */
export function rateLimitIn(extensions: Readonly<Record<string, unknown>>): RateLimitState | undefined {
  const { limit, remaining, reset_seconds } = extensions;
  const areThere = [limit, remaining, reset_seconds].every((each) => typeof each === 'number');
  return areThere ? ({ limit, remaining, reset_seconds } as RateLimitState) : undefined;
}
