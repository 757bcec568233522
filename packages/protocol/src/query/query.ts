import { z } from 'zod';

import { limits } from '../limits.ts';
import { agentName, collectionName, nodeName, resourceName } from '../names.ts';
import { recordSchema, timestamp } from '../record.ts';
import { subscriptionStandingSchema } from '../subscriptions.ts';
import { aggregateSchema } from './aggregate.ts';
import { fieldPath } from './field.ts';
import { filterSchema } from './filter.ts';
import { sqlAnswerSchema, sqlLineSchema, sqlText } from './sql.ts';
import { namedKeys } from './unknown-name.ts';

const direction = z.enum(['asc', 'desc']);

const queryParts = {
  where: filterSchema.optional().meta({
    description:
      'Fields to values or comparisons, and lists of such filters under `and`, `or`, `not`; all must hold. A document field of one of these names is `doc.and`',
    example: { status: 'active', or: [{ experience_years: { gte: 3 } }, { skills: { hasAll: ['Python'] } }] },
  }),
  search: z.string().min(1).max(1000).optional().meta({
    description:
      'Words and "phrases" that the searched fields of the collection have, all of them; `wo*` for what begins so. Best first, unless `orderBy` is given',
    example: 'django "distributed systems" post*',
  }),
  orderBy: z
    .array(
      z.record(fieldPath, direction).refine((entry) => Object.keys(entry).length === 1, { error: 'one field each' }),
    )
    .max(4)
    .optional()
    .meta({ description: 'Order; ties fall back to the record id', example: [{ created_at: 'desc' }] }),
  select: z.array(fieldPath).max(100).optional().meta({ description: 'Only these parts of the document' }),
  limit: z
    .number()
    .int()
    .min(1)
    .optional()
    .meta({ description: `Records of a page; default 100, at most ${limits.pageRecords}. Of a stream: default all` }),
  after: z.string().max(limits.bodyBytes).optional().meta({ description: '`next` of the page before' }),
  aggregate: aggregateSchema
    .optional()
    .meta({ description: 'Groups and what is computed over each, instead of records' }),
  explain: z.boolean().optional().meta({ description: 'Answer how the query would run, and do not run it' }),
};

/** The parts of a query that are the same on daemon and relay. */
export const querySchema = z.strictObject(queryParts, namedKeys('part of a query', Object.keys(queryParts)));

/** A query of one collection. */
export type Query = z.infer<typeof querySchema>;

const networkParts = {
  ...queryParts,
  collection: collectionName.optional(),
  nodes: z.array(nodeName).max(100).optional(),
  agents: z.array(agentName).max(100).optional(),
  resources: z.array(resourceName).max(100).optional(),
  freshness: z.boolean().optional().meta({ description: 'Tell also how fresh the answer is, node by node' }),
};

/** A query over the network: also narrowed by whose records, and over all collections if none is named. */
export const networkQuerySchema = z.strictObject(networkParts, namedKeys('part of a query', Object.keys(networkParts)));

/** A query over the network. */
export type NetworkQuery = z.infer<typeof networkQuerySchema>;

const requestParts = {
  ...networkParts,
  for_agent: agentName.optional().meta({
    description:
      'Of a node: the agent that asks there, which reads its own, and of collections that `query.sharedCollections` names what all wrote',
  }),
  sql: sqlText.optional().meta({
    description: 'One SELECT over a view of each collection instead of a query; operators and admins only',
    example: 'SELECT node, count(*) AS n FROM messages GROUP BY node',
  }),
};

/** What the relay is asked: a query, or a statement in SQL and nothing beside it. */
export const networkRequestSchema = z
  .strictObject(requestParts, namedKeys('part of a query', Object.keys(requestParts)))
  .refine((asked) => asked.sql === undefined || Object.keys(asked).length === 1, {
    path: ['sql'],
    error: 'stands alone: what else to ask goes into the statement',
  });

/** What the relay is asked: a query, in which a node says for which of its agents. */
export type NetworkRequest = Omit<z.infer<typeof networkRequestSchema>, 'sql'>;

/** How a query would run: what the database does, step by step, and the indexes it uses. */
const planSchema = z.object({ steps: z.array(z.string()), indexes: z.array(z.string()) });

const recordsSchema = z.object({ records: z.array(recordSchema), next: z.string().nullable() });
const groupsSchema = z.object({ groups: z.array(z.record(z.string(), z.json())) });

/** Records, with `next` if there are more; or groups, for an aggregate; or the plan, if that was asked for. */
export const queryAnswerSchema = z.union([recordsSchema, groupsSchema, z.object({ plan: planSchema })]);

/** The last line of a streamed answer; without it the answer was cut. */
export const queryEndSchema = z.object({
  end: z.literal(true),
  count: z.number().int().meta({ description: 'Lines before this one' }),
  next: z.string().nullable().meta({
    description: 'Goes into `after` to go on where the answer stopped, as full as one may be; null: that was all',
  }),
});

/** The last line of a streamed answer. */
export type QueryEnd = z.infer<typeof queryEndSchema>;

/** One line of a streamed answer: a record, or the end. */
export const queryLineSchema = z.union([recordSchema, queryEndSchema]);

/** Records, with `next` if there are more; or groups, for an aggregate; or the plan, if that was asked for. */
export type QueryAnswer = z.infer<typeof queryAnswerSchema>;

/** How fresh an answer of the relay is: the nodes it may have records of, and how far each was heard of. */
const freshnessSchema = z.object({
  nodes: z.array(
    z.object({
      node: nodeName,
      last_contact_at: timestamp.nullable().meta({ description: "By the relay's clock; null: never" }),
      connected: z.boolean().meta({ description: 'Whether it was heard of within its lease' }),
      outstanding: z
        .number()
        .int()
        .nullable()
        .meta({ description: 'Changes of these agents that waited there when it last told; null: not known' }),
    }),
  ),
});

/** How fresh an answer of the relay is. */
export type Freshness = z.infer<typeof freshnessSchema>;

const fresh = { freshness: freshnessSchema.optional().meta({ description: 'There if the query asks for it' }) };

const replicated = {
  from: z.literal('replica').meta({ description: 'Answered from the copies this node keeps, and not by the relay' }),
  subscriptions: z
    .array(subscriptionStandingSchema)
    .meta({ description: 'Those that the answer comes from, and when each had all there was' }),
};

/** What a query of the copies a node keeps answers: as `queryAnswerSchema`, and how old it may be. */
export const replicaAnswerSchema = z.union([
  recordsSchema.extend(replicated),
  groupsSchema.extend(replicated),
  z.object({ plan: planSchema, ...replicated }),
]);

/** What a query of the copies a node keeps answers. */
export type ReplicaAnswer = z.infer<typeof replicaAnswerSchema>;

const gatheredAnswerSchema = z.union([
  recordsSchema.extend(fresh),
  groupsSchema.extend(fresh),
  z.object({ plan: planSchema }),
]);

/**
 * What a query over the network answers: as `queryAnswerSchema`, and how fresh it is; while the relay cannot be reached, from the copies
 * the node keeps, if one of its subscriptions covers the query.
 */
export const networkAnswerSchema = z.union([...gatheredAnswerSchema.options, ...replicaAnswerSchema.options]);

/** What a query over the network answers. */
export type NetworkAnswer = z.infer<typeof networkAnswerSchema>;

/** What the relay answers: what queries over the network do, or the rows of a statement. */
export const relayAnswerSchema = z.union([...gatheredAnswerSchema.options, sqlAnswerSchema]);

/** What the relay answers: what queries over the network do, or the rows of a statement. */
export type RelayAnswer = z.infer<typeof relayAnswerSchema>;

/** One line of what the relay streams. */
export const networkLineSchema = z.union([...queryLineSchema.options, ...sqlLineSchema.options]);

/** How a query would run. */
export type QueryPlan = z.infer<typeof planSchema>;
