import { z } from 'zod';

import { limits } from '../limits.ts';
import { fieldPath } from './field.ts';
import { namedKeys } from './unknown-name.ts';

const computed = {
  count: z.union([z.literal('*'), fieldPath]).meta({ description: 'Records, or those that have the field' }),
  sum: fieldPath,
  avg: fieldPath,
  min: fieldPath,
  max: fieldPath,
  p50: fieldPath,
  p95: fieldPath,
  p99: fieldPath,
  distinct: fieldPath.meta({ description: 'How many different values' }),
};

/**
 * What is computed over the records of a group. All but `count` look at one field: `sum`, `avg` and the percentiles at its
 * numbers, `min` and `max` at its numbers and texts (numbers stand below texts), `distinct` at its values without null. What
 * finds nothing to look at is null, and a `sum` then 0. Percentiles are by nearest rank: a value that is there.
 */
export const metricSchema = z
  .strictObject(computed, namedKeys('metric', Object.keys(computed)))
  .partial()
  .refine((metric) => Object.keys(metric).length === 1, { error: 'a metric computes one thing' });

/** What is computed over the records of a group; exactly one of these. */
export type Metric = z.infer<typeof metricSchema>;

/** A metric's name for what it computes. */
export type MetricFunction = keyof Metric;

const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** How long the buckets of an aggregate are, in milliseconds. */
export function bucketMs(every: string): number {
  return Number(every.slice(0, -1)) * unitMs[every.at(-1) as keyof typeof unitMs];
}

/** Groups of records by spans of time. */
const bucketSchema = z.strictObject({
  field: fieldPath.meta({ description: 'A time: of the record itself, or a text such as "2026-11-20T10:54:56.123Z"' }),
  every: z
    .string()
    .regex(/^[1-9]\d{0,4}[smhd]$/, { error: 'a span is a number and s, m, h or d, such as "15m"' })
    .meta({ description: 'Their length; they begin at whole multiples of it since 1970, UTC', example: '1h' }),
});

const partsOfAggregate = {
  groupBy: z.array(fieldPath).max(4).optional(),
  bucket: bucketSchema.optional().meta({ description: 'Groups by spans of time, first; named by the field' }),
  metrics: z
    .record(z.string().regex(/^[a-z][a-z0-9_]{0,62}$/), metricSchema)
    .refine((metrics) => isBetween(Object.keys(metrics).length, 1, limits.queryMetrics), {
      error: `1 to ${limits.queryMetrics} metrics`,
    }),
};

const parts = z.strictObject(partsOfAggregate, namedKeys('part of an aggregate', Object.keys(partsOfAggregate)));

/** Groups and what is computed over each, instead of records. */
export type Aggregate = z.infer<typeof parts>;

/** Groups and what is computed over each, instead of records. */
export const aggregateSchema: z.ZodType<Aggregate> = parts.refine(hasOwnNames, {
  error: 'groups and metrics need names of their own',
});

/** What the parts of a group are named: the bucket's field, then those grouped by. */
export function groupNames({ bucket, groupBy = [] }: Pick<Aggregate, 'bucket' | 'groupBy'>): string[] {
  return [...(bucket === undefined ? [] : [bucket.field]), ...groupBy];
}

function hasOwnNames(aggregate: Aggregate): boolean {
  const names = [...groupNames(aggregate), ...Object.keys(aggregate.metrics)];
  return new Set(names).size === names.length;
}

function isBetween(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}
