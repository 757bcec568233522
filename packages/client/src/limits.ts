import type { Caller } from './caller.ts';
import type { DaemonRoutes } from './calls.ts';
import { HoldfastProblem } from './errors.ts';

/** What is asked of a limit. */
export interface TakeOptions {
  /** How much may be taken in any window. */
  readonly limit: number;
  readonly windowSeconds: number;
  /** How much this takes. Default 1. */
  readonly cost?: number | undefined;
}

/** What came of it, and what is left. */
export interface Taken {
  readonly allowed: boolean;
  /** How much may be taken now. */
  readonly remaining: number;
  /** Until all of it may be taken again, if nothing more is. */
  readonly resetSeconds: number;
  /** Until as much may be taken as was asked for, if nothing is taken meanwhile; 0 if it was. */
  readonly retryAfterSeconds: number;
}

/** The agent's rate limits. */
export interface LimitsClient {
  /**
   * Takes from a limit if as much is left in the window; a refusal is an answer too. Sent again only when nothing was taken for
   * certain: if an answer is lost, it may have been.
   */
  take(key: string, options: TakeOptions): Promise<Taken>;
}

/** Opens the agent's rate limits. Nothing is sent. */
export function openLimits(call: Caller<DaemonRoutes>): LimitsClient {
  return {
    take: async (key, { limit, windowSeconds, cost }) => {
      try {
        const body = { limit, window_seconds: windowSeconds, cost };
        const { value } = await call('limit.take', { params: { key }, body });
        const { allowed, remaining, reset_seconds: resetSeconds } = value;
        return { allowed, remaining, resetSeconds, retryAfterSeconds: 0 };
      } catch (error) {
        if (error instanceof HoldfastProblem && error.code === 'rate-limited') return refusal(error);
        throw error;
      }
    },
  };
}

function refusal({ extensions, retryAfterSeconds = 0 }: HoldfastProblem): Taken {
  const { remaining, reset_seconds: resetSeconds } = extensions;
  return { allowed: false, remaining: Number(remaining), resetSeconds: Number(resetSeconds), retryAfterSeconds };
}
