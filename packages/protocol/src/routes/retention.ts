import { z } from 'zod';

import { agentName, collectionName, nodeName } from '../names.ts';
import { timestamp } from '../record.ts';
import { retentionSchema } from '../collections/retention.ts';
import { type Route, writeErrors } from './route.ts';

const count = z.number().int();
const owner = { node: nodeName.optional().meta({ description: 'On the relay' }), agent: agentName };

/** What a run did to the records of one agent, or would do. */
const retentionOwnerSchema = z.object({
  ...owner,
  waits_for: z.enum(['comparison', 'restore']).nullable().meta({
    description:
      'Why nothing of it was looked at: node and relay are not known to hold the same, or its file does not serve',
  }),
  freed_bytes: count.meta({
    description: 'By which its file became smaller; 0 on the relay, where one file holds all',
  }),
  collections: z.array(
    z.object({
      name: collectionName,
      records: count.meta({ description: 'Removed, or in a dry run those that would be; tombstones count' }),
      bytes: count.meta({ description: 'Of their documents' }),
      kept_back: count.meta({ description: 'Over age or number, and kept: the relay has not acknowledged them' }),
    }),
  ),
});

/** What a run did to the records of one agent. */
export type RetentionOwner = z.infer<typeof retentionOwnerSchema>;

/** What a run did, or in a dry run would do. */
const retentionRunSchema = z.object({
  at: timestamp,
  dry_run: z.boolean(),
  records: count,
  bytes: count.meta({ description: 'Of the documents of these' }),
  freed_bytes: count.meta({ description: 'By which files became smaller' }),
  agents: z.array(retentionOwnerSchema).meta({ description: 'Those that declare a retention' }),
});

/** What a run did. */
export type RetentionRun = z.infer<typeof retentionRunSchema>;

/** What is declared, and what the last run did. */
const retentionAnswerSchema = z.object({
  every_hours: count.meta({ description: '0: only when asked' }),
  next_at: timestamp.nullable(),
  last_run: retentionRunSchema.nullable().meta({ description: 'Since the start; dry runs do not count' }),
  declared: z.array(
    z.object({
      agent: agentName.optional().meta({ description: 'On a node' }),
      collection: collectionName,
      retention: retentionSchema,
    }),
  ),
});

/** What is declared, and what the last run did. */
export type RetentionAnswer = z.infer<typeof retentionAnswerSchema>;

/** What the calls about retention have in common on node and relay; each adds its path and roles. */
export const retentionCalls = {
  run: {
    method: 'POST',
    summary: 'Remove the records that collections declare to be kept no longer; `dry_run` only counts them',
    body: {
      kind: 'json',
      schema: z.strictObject({
        dry_run: z.boolean().optional().meta({ description: 'Remove nothing. Default false' }),
        agent: agentName.optional().meta({ description: 'Of this agent alone' }),
      }),
    },
    status: 200,
    answer: { kind: 'json', schema: retentionRunSchema },
    errors: ['agent-not-found', 'work-under-way', ...writeErrors],
  },
  show: {
    method: 'GET',
    summary: 'What collections declare to be kept for how long, and what the last run removed',
    status: 200,
    answer: { kind: 'json', schema: retentionAnswerSchema },
    errors: [],
  },
} as const satisfies Record<string, Omit<Route, 'path' | 'roles'>>;

/** How much the collections of one agent hold. */
const statisticsOwnerSchema = z.object({
  ...owner,
  collections: z.array(
    z.object({
      name: collectionName,
      records: count.meta({ description: 'Live ones; expired ones not yet swept count' }),
      bytes: count.meta({ description: 'Of their documents' }),
      tombstones: count,
      oldest: timestamp
        .nullable()
        .meta({ description: 'Last change of the record that was changed the longest time ago' }),
      newest: timestamp.nullable(),
      records_per_day: z.number().meta({ description: 'Live records made in the last seven days, by seven' }),
      bytes_per_day: z.number(),
    }),
  ),
});

/** How much the collections of one agent hold. */
export type StatisticsOwner = z.infer<typeof statisticsOwnerSchema>;

/** How much collections hold and grow. */
const statisticsSchema = z.object({ at: timestamp, agents: z.array(statisticsOwnerSchema) });

/** How much collections hold and grow. */
export type Statistics = z.infer<typeof statisticsSchema>;

/** What the calls for statistics have in common. */
export const statisticsCall = {
  method: 'GET',
  status: 200,
  answer: { kind: 'json', schema: statisticsSchema },
  errors: [],
} as const satisfies Omit<Route, 'path' | 'roles' | 'summary'>;
