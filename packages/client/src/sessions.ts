import type { Json, Session } from '@holdfast/protocol';

import type { Caller } from './caller.ts';
import type { AnswerOf, DaemonRoutes, InputOf } from './calls.ts';
import { eachItem } from './each-item.ts';
import { HoldfastProblem } from './errors.ts';

/** A session to be made. */
export interface NewSession {
  readonly user: string;
  /** What is to be kept with it. Default nothing. */
  readonly data?: { readonly [name: string]: Json } | undefined;
  /** Where the user calls from. */
  readonly address?: string | undefined;
  /** The program the user calls with. */
  readonly userAgent?: string | undefined;
  /** Whether each check makes it last longer. Default `sliding`. */
  readonly kind?: Session['kind'] | undefined;
  /** Default 3600. */
  readonly lifetimeSeconds?: number | undefined;
}

/** A session just made. */
export type MadeSession = AnswerOf<DaemonRoutes['session.create']>;

/** Which sessions are to end: one by its key or id, or all of a user. */
export type EndedSessions = { readonly key: string } | { readonly id: string } | { readonly user: string };

/** Users' sessions with the agent. */
export interface SessionsClient {
  /** Begins a session. `key` is in this answer and nowhere else. When the answer is lost, the session ends unused. */
  create(session: NewSession): Promise<MadeSession>;
  /** The session of a key, which lasts longer from now on if it slides; undefined if it has ended. */
  check(key: string): Promise<Session | undefined>;
  /** Changes parts of what is kept with a session: null removes. Undefined if it has ended. */
  change(key: string, data: { readonly [name: string]: Json }): Promise<Session | undefined>;
  /** Ends one session, or all of a user, at once; gives how many that were. After a lost answer it counts those that are left. */
  revoke(which: EndedSessions): Promise<number>;
  /** A user's sessions, the oldest first, page by page. */
  list(user: string): AsyncIterable<Session>;
}

type Data = InputOf<DaemonRoutes['session.change']>['body']['data'];

const SAME = { repeat: 'same' } as const;

/** Opens the agent's sessions. Nothing is sent. */
export function openSessions(call: Caller<DaemonRoutes>): SessionsClient {
  return {
    create: async ({ userAgent, lifetimeSeconds, data, ...session }) => {
      const named = { user_agent: userAgent, lifetime_seconds: lifetimeSeconds, data: data as Data };
      return (await call('session.create', { body: { ...session, ...named } })).value;
    },
    check: (key) => orEnded(call('session.check', { body: { key } }, { repeat: 'free' })),
    change: (key, data) => orEnded(call('session.change', { body: { key, data: data as Data } }, SAME)),
    revoke: async (which) => (await call('session.revoke', { body: which }, SAME)).value.revoked,
    list: (user) =>
      eachItem(async (after) => {
        const { sessions: items, next } = (await call('session.list', { query: { user, after } })).value;
        return { items, next };
      }),
  };
}

async function orEnded(answer: Promise<{ readonly value: Session }>): Promise<Session | undefined> {
  try {
    return (await answer).value;
  } catch (error) {
    if (error instanceof HoldfastProblem && error.code === 'session-not-found') return undefined;
    throw error;
  }
}
