import { z } from 'zod';

import { limits } from './limits.ts';
import { agentName, collectionName, nodeName, resourceName } from './names.ts';
import { recordSchema } from './record.ts';

/**
 * A field: a path into the document (`address.city`), or one of the record's own fields (`metadataFields`).
 * A document field hidden by a name of the record's own is reached as `doc.created_at`.
 */
const fieldPath = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\0."\\[\]]+(?:\.[^\0."\\[\]]+)*$/, { error: 'a field is a path such as "address.city"' })
  .meta({ description: 'A path into the document, or a field of the record itself', example: 'address.city' });

/** The record's own fields, which a query may name like fields of the document. */
export const metadataFields = ['id', 'resource', 'version', 'created_at', 'updated_at', 'expires_at'] as const;

/** Fields that records have on the relay only: whose they are. */
export const ownerFields = ['node', 'agent'] as const;

/** A field of the record itself, on the relay. */
export type MetadataField = (typeof metadataFields)[number] | (typeof ownerFields)[number];

/** A value that can be compared. */
const scalar = z.union([z.string().max(10_000), z.number(), z.boolean(), z.null()]);

/** A value that can be compared. */
export type Scalar = z.infer<typeof scalar>;

const ordered = z.union([z.string().max(10_000), z.number()]);

/**
 * Comparisons of one field; several hold together. Values of another type than the field's never match: there is no
 * conversion. A field that is missing equals null.
 */
export const conditionSchema = z
  .strictObject(
    {
      eq: scalar,
      ne: scalar,
      gt: ordered,
      gte: ordered,
      lt: ordered,
      lte: ordered,
      in: z.array(scalar).max(limits.queryListValues),
      exists: z.boolean(),
    },
    { error: ({ code, keys }) => (code === 'unrecognized_keys' ? unknownComparison(keys) : undefined) },
  )
  .partial();

function unknownComparison(keys: unknown): string {
  return `no comparison is called ${JSON.stringify(keys)}: there are eq, ne, gt, gte, lt, lte, in, exists`;
}

/** Comparisons of one field. */
export type Condition = z.infer<typeof conditionSchema>;

/** A comparison's name. */
export type Operator = keyof Condition;

const direction = z.enum(['asc', 'desc']);

function isBetween(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

/** The parts of a query that are the same on daemon and relay. */
export const querySchema = z.strictObject({
  where: z
    .record(fieldPath, z.union([scalar, conditionSchema]))
    .refine((where) => Object.keys(where).length <= limits.queryConditions, {
      error: `at most ${limits.queryConditions} fields`,
    })
    .optional()
    .meta({ description: 'Field to value, or to comparisons; all must hold', example: { status: 'active' } }),
  orderBy: z
    .array(
      z.record(fieldPath, direction).refine((entry) => Object.keys(entry).length === 1, { error: 'one field each' }),
    )
    .max(4)
    .optional()
    .meta({ description: 'Order; ties fall back to the record id', example: [{ created_at: 'desc' }] }),
  select: z.array(fieldPath).max(100).optional().meta({ description: 'Only these parts of the document' }),
  limit: z.number().int().min(1).max(limits.pageRecords).optional().meta({ description: 'Page size; default 100' }),
  after: z.string().max(limits.bodyBytes).optional().meta({ description: '`next` of the page before' }),
  aggregate: z
    .strictObject({
      groupBy: z.array(fieldPath).max(4).optional(),
      metrics: z
        .record(z.string().regex(/^[a-z][a-z0-9_]{0,62}$/), z.strictObject({ count: z.literal('*') }))
        .refine((metrics) => isBetween(Object.keys(metrics).length, 1, limits.queryMetrics), {
          error: `1 to ${limits.queryMetrics} metrics`,
        }),
    })
    .refine(({ groupBy = [], metrics }) => !groupBy.some((name) => Object.hasOwn(metrics, name)), {
      error: 'a metric may not have the name of a groupBy field',
    })
    .optional()
    .meta({ description: 'Groups and their counts instead of records' }),
});

/** A query of one collection. */
export type Query = z.infer<typeof querySchema>;

/** A query over the network: also narrowed by whose records, and over all collections if none is named. */
export const networkQuerySchema = querySchema.extend({
  collection: collectionName.optional(),
  nodes: z.array(nodeName).max(100).optional(),
  agents: z.array(agentName).max(100).optional(),
  resources: z.array(resourceName).max(100).optional(),
});

/** A query over the network. */
export type NetworkQuery = z.infer<typeof networkQuerySchema>;

/** Records, with `next` if there are more; or groups, for an aggregate. */
export const queryAnswerSchema = z.union([
  z.object({ records: z.array(recordSchema), next: z.string().nullable() }),
  z.object({ groups: z.array(z.record(z.string(), z.json())) }),
]);

/** Records, with `next` if there are more; or groups, for an aggregate. */
export type QueryAnswer = z.infer<typeof queryAnswerSchema>;
