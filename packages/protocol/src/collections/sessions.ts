import { limits } from '../limits.ts';
import type { BuiltInCollection } from './declaration.ts';

/** How a session ends: some time after it was used last, or some time after it began. */
export const sessionKinds = ['sliding', 'fixed'] as const;

/** Users' standing with an agent. A record's id is the hash of its session's key, which is kept nowhere. */
export const sessions = {
  name: 'sessions',
  help: "Users' sessions: whose, with what data, until when; found by the hash of their key alone",
  fields: {
    user: { type: 'text', required: true, minLength: 1, maxLength: 255, personal: true },
    data: { type: 'object', personal: true, help: 'What the agent keeps with it' },
    address: { type: 'text', maxLength: 255, personal: true, help: 'Where the user called from' },
    user_agent: { type: 'text', maxLength: 1000, personal: true, help: 'The program the user called with' },
    kind: { type: 'text', oneOf: sessionKinds, default: 'sliding' },
    lifetime_seconds: { type: 'integer', min: 1, max: limits.ttlSeconds, default: 3600 },
    started_at: { type: 'time', required: true },
    extended_at: { type: 'time', required: true, help: 'It ends its lifetime after this' },
  },
  indexes: [['user', 'started_at']],
  example: {
    id: '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b',
    document: {
      user: 'ada',
      data: { theme: 'dark' },
      address: '192.0.2.7',
      user_agent: 'Mozilla/5.0 (X11; Linux x86_64)',
      kind: 'sliding',
      lifetime_seconds: 3600,
      started_at: '2026-11-20T10:54:56.123Z',
      extended_at: '2026-11-20T11:20:00.000Z',
    },
  },
} as const satisfies BuiltInCollection;
