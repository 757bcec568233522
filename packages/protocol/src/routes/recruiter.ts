import { z } from 'zod';

import { candidateStatuses } from '../collections/candidates.ts';
import { interviewOutcomes, ratings, WORDS_LENGTH } from '../collections/interviews.ts';
import { limits } from '../limits.ts';
import { recordId } from '../names.ts';
import { ackSchema, recordSchema, timestamp, version } from '../record.ts';
import { pageQuery } from './page.ts';
import { type Route, writeErrors } from './route.ts';
import { writeQuery } from './writing.ts';

/** A person's name or another short name in a query or body. */
const shortName = z.string().min(1).max(200);

const pageAnswer = { records: z.array(recordSchema), next: z.string().nullable() };

/** Candidates that share an e-mail address. */
const duplicateSchema = z.object({
  email: z.string().meta({ description: 'Without spaces around it, A to Z in lower case' }),
  count: z.number().int().meta({ description: 'How many candidates have it' }),
  candidates: z.array(recordId).meta({ description: `Their ids in order, the first ${limits.duplicateCandidates}` }),
});

const skillsSchema = z.object({ met: z.array(z.string()), missing: z.array(z.string()) });

const isMet = z.boolean().nullable().meta({ description: 'Null: nothing is asked for, or it is not known' });

/** Why a candidate stands where they stand in a list of matches. */
const matchReasonsSchema = z.object({
  required: skillsSchema,
  nice_to_have: skillsSchema,
  experience: z.object({ years: z.number().nullable(), minimum: z.number().nullable(), met: isMet }),
  location: z.object({ candidate: z.string().nullable(), requisition: z.string().nullable(), met: isMet }),
});

/** Why a candidate stands where they stand in a list of matches. */
export type MatchReasons = z.infer<typeof matchReasonsSchema>;

const matchSchema = z.object({
  candidate: recordId,
  name: z.string().nullable(),
  status: z.string().nullable(),
  score: z.number().int().min(0).max(100).meta({ description: '100: all that is asked for is met' }),
  reasons: matchReasonsSchema,
});

/** A candidate who fits a requisition, how well, and why. */
export type Match = z.infer<typeof matchSchema>;

const matchesSchema = z.object({
  requisition: recordId,
  matches: z.array(matchSchema).meta({ description: 'Best first' }),
  examined: z.number().int().meta({ description: 'Candidates that were looked at' }),
  complete: z.boolean().meta({
    description: `Whether these were all that come into question; at most ${limits.matchedCandidates} are looked at`,
  }),
});

/** The candidates who fit a requisition. */
export type Matches = z.infer<typeof matchesSchema>;

const settledAnswer = {
  id: recordId,
  version,
  ack: ackSchema,
  repeated: z.boolean().meta({ description: 'Whether just this was said before; nothing was written then' }),
};

/** The daemon's calls for recruiters, over the collections `candidates`, `requisitions`, `interviews`, `interactions`. */
export const recruiterRoutes = {
  'candidate.duplicates': {
    method: 'GET',
    path: '/v1/candidates/duplicates',
    summary: 'Candidates that share an e-mail address, whatever its case, by address',
    roles: ['agent', 'admin'],
    query: z.strictObject({
      limit: z.coerce.number().int().min(1).max(limits.duplicateGroups).optional().meta({
        description: 'Most addresses of the answer; default 100',
      }),
    }),
    status: 200,
    answer: {
      kind: 'json',
      schema: z.object({
        duplicates: z.array(duplicateSchema),
        complete: z.boolean().meta({ description: 'Whether these are all there are' }),
      }),
    },
    errors: [],
  },
  'requisition.matches': {
    method: 'GET',
    path: '/v1/requisitions/{id}/matches',
    summary: 'Candidates who fit a requisition, best first, each with its score and the reasons',
    roles: ['agent', 'admin'],
    params: { id: recordId },
    query: z.strictObject({
      limit: z.coerce.number().int().min(1).max(limits.matches).optional().meta({ description: 'Default 20' }),
      status: z.enum(candidateStatuses).optional().meta({
        description: 'Only candidates of this status. Default: all but hired, rejected, withdrawn',
      }),
      lacking: z.coerce.number().int().min(0).max(5).optional().meta({
        description: 'How many of the required skills a candidate may lack; default 0',
      }),
    }),
    status: 200,
    answer: { kind: 'json', schema: matchesSchema },
    errors: ['record-not-found'],
  },
  'interview.upcoming': {
    method: 'GET',
    path: '/v1/interviews/upcoming',
    summary: 'Interviews that are scheduled, the next one first',
    roles: ['agent', 'admin'],
    query: z.strictObject({
      days: z.coerce.number().int().min(1).max(limits.upcomingDays).optional().meta({
        description: 'How far ahead; default 7',
      }),
      interviewer: shortName.optional(),
      from: timestamp.optional().meta({
        description: 'Default now. With `after`: as the answer before has it',
      }),
      ...pageQuery,
    }),
    status: 200,
    answer: { kind: 'json', schema: z.object({ from: timestamp, until: timestamp, ...pageAnswer }) },
    errors: [],
  },
  'interview.outcome': {
    method: 'POST',
    path: '/v1/interviews/{id}/outcome',
    summary: 'Record how an interview ended: it is done then. Once; the same again changes nothing',
    roles: ['agent', 'admin'],
    params: { id: recordId },
    query: writeQuery,
    body: {
      kind: 'json',
      schema: z.strictObject({
        outcome: z.enum(interviewOutcomes),
        feedback: z.string().max(WORDS_LENGTH).optional(),
        rating: z.number().min(ratings.min).max(ratings.max).optional(),
      }),
    },
    status: 200,
    answer: { kind: 'json', schema: z.object(settledAnswer) },
    errors: ['record-not-found', 'precondition-failed', 'unsafe-document', 'record-too-large', ...writeErrors],
  },
  'interaction.pending': {
    method: 'GET',
    path: '/v1/interactions/pending',
    summary: 'Interactions nobody has acknowledged, the oldest first',
    roles: ['agent', 'admin'],
    query: z.strictObject({
      manager: shortName.optional().meta({ description: 'Only what is for this manager' }),
      ...pageQuery,
    }),
    status: 200,
    answer: { kind: 'json', schema: z.object(pageAnswer) },
    errors: [],
  },
  'interaction.acknowledge': {
    method: 'POST',
    path: '/v1/interactions/{id}/acknowledge',
    summary: 'Acknowledge an interaction: one caller does; the same again changes nothing',
    roles: ['agent', 'admin'],
    params: { id: recordId },
    query: writeQuery,
    body: {
      kind: 'json',
      schema: z.strictObject({
        by: shortName.optional().meta({ description: 'Who acknowledges' }),
        response: z.string().max(WORDS_LENGTH).optional(),
      }),
    },
    status: 200,
    answer: { kind: 'json', schema: z.object({ ...settledAnswer, acknowledged_at: timestamp.nullable() }) },
    errors: ['record-not-found', 'precondition-failed', 'unsafe-document', 'record-too-large', ...writeErrors],
  },
} as const satisfies Record<string, Route>;
