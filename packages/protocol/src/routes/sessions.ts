import { z } from 'zod';

import { sessionKinds } from '../collections/sessions.ts';
import { limits } from '../limits.ts';
import { ttlSeconds } from '../operations.ts';
import { timestamp } from '../record.ts';
import { pageQuery } from './page.ts';
import { type Route, writeErrors } from './route.ts';

const user = z.string().min(1).max(limits.idLength);

/** 256 random bits. Stands in bodies alone: URLs are written down by whatever is on the way. */
const key = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, { error: 'a session key has 43 letters, digits, "-" and "_"' })
  .meta({ description: 'As it was given when the session was made' });

const id = z
  .string()
  .regex(/^[0-9a-f]{64}$/, { error: 'the id of a session has 64 hexadecimal digits' })
  .meta({ description: 'Names the session, and is no use for taking it over: the SHA-256 of its key' });

const data = z.record(z.string(), z.json());

/** A session to be made. */
const newSessionSchema = z.strictObject({
  user,
  data: data.optional().meta({ description: 'What is to be kept with it; default nothing' }),
  address: z.string().max(255).optional().meta({ description: 'Where the user calls from' }),
  user_agent: z.string().max(1000).optional().meta({ description: 'The program the user calls with' }),
  kind: z
    .enum(sessionKinds)
    .optional()
    .meta({ description: 'Whether each check makes it last longer; default sliding' }),
  lifetime_seconds: ttlSeconds.optional().meta({ description: 'How long it lasts; default 3600' }),
});

/** A session to be made. */
export type NewSession = z.infer<typeof newSessionSchema>;

const sessionSchema = z.object({
  id,
  user,
  data,
  address: z.string().nullable(),
  user_agent: z.string().nullable(),
  kind: z.enum(sessionKinds),
  lifetime_seconds: z.number().int(),
  started_at: timestamp,
  expires_at: timestamp,
});

/** A user's standing with an agent. */
export type Session = z.infer<typeof sessionSchema>;

/** Which sessions are to end: one by its key or id, or all of a user. */
const revocationSchema = z
  .strictObject({ key: key.optional(), id: id.optional(), user: user.optional() })
  .refine((named) => Object.values(named).filter((each) => each !== undefined).length === 1, {
    error: 'name one: key, id or user',
  });

/** Which sessions are to end; one of the three is named. */
export type Revocation = z.infer<typeof revocationSchema>;

/** The daemon's calls about users' sessions. */
export const sessionRoutes = {
  'session.create': {
    method: 'POST',
    path: '/v1/sessions',
    summary: 'Begin a session of a user. Its key is in this answer and nowhere else: only a hash of it is stored',
    roles: ['agent', 'admin'],
    body: { kind: 'json', schema: newSessionSchema },
    status: 201,
    answer: { kind: 'json', schema: sessionSchema.extend({ key }) },
    errors: ['unsafe-document', 'record-too-large', ...writeErrors],
  },
  'session.list': {
    method: 'GET',
    path: '/v1/sessions',
    summary: "A user's sessions, the oldest first, a page at a time",
    roles: ['agent', 'admin'],
    query: z.strictObject({ user, ...pageQuery }),
    status: 200,
    answer: { kind: 'json', schema: z.object({ sessions: z.array(sessionSchema), next: z.string().nullable() }) },
    errors: [],
  },
  'session.check': {
    method: 'POST',
    path: '/v1/sessions/check',
    summary: 'The session of a key. A sliding one lasts longer from now on',
    roles: ['agent', 'admin'],
    body: { kind: 'json', schema: z.strictObject({ key }) },
    status: 200,
    answer: { kind: 'json', schema: sessionSchema },
    errors: ['session-not-found', ...writeErrors],
  },
  'session.change': {
    method: 'POST',
    path: '/v1/sessions/change',
    summary: 'Change parts of what is kept with a session, by a merge patch (RFC 7396); it counts as a check',
    roles: ['agent', 'admin'],
    body: { kind: 'json', schema: z.strictObject({ key, data }) },
    status: 200,
    answer: { kind: 'json', schema: sessionSchema },
    errors: ['session-not-found', 'unsafe-document', 'record-too-large', ...writeErrors],
  },
  'session.revoke': {
    method: 'POST',
    path: '/v1/sessions/revoke',
    summary: 'End one session, or all of a user, at once; the answer says how many. None is no error',
    roles: ['agent', 'admin'],
    body: { kind: 'json', schema: revocationSchema },
    status: 200,
    answer: { kind: 'json', schema: z.object({ revoked: z.number().int() }) },
    errors: [...writeErrors],
  },
} as const satisfies Record<string, Route>;
