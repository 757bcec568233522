import {
  type Aggregate,
  bucketMs,
  groupNames,
  type Json,
  type Metric,
  type MetricFunction,
  type Query,
} from '@holdfast/protocol';

import { isMatch, type ModelRecord, valueAt } from './query-model.ts';

type Values = readonly (Json | undefined)[];

const functions: Readonly<Record<MetricFunction, (values: Values) => Json>> = {
  count: (values) => values.filter((value) => value !== undefined).length,
  sum: (values) => numbersIn(values).reduce((sum, value) => sum + value, 0),
  avg: (values) => {
    const numbers = numbersIn(values);
    return numbers.length === 0 ? null : numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  },
  min: (values) => orderedIn(values)[0] ?? null,
  max: (values) => orderedIn(values).at(-1) ?? null,
  p50: (values) => percentile(values, 0.5),
  p95: (values) => percentile(values, 0.95),
  p99: (values) => percentile(values, 0.99),
  distinct: (values) =>
    new Set(values.filter((value) => value !== undefined && value !== null).map((value) => JSON.stringify(value))).size,
};

function numbersIn(values: Values): number[] {
  return values.filter((value) => typeof value === 'number').toSorted((left, right) => left - right);
}

function orderedIn(values: Values): (number | string)[] {
  const texts = values.filter((value) => typeof value === 'string');
  return [
    ...numbersIn(values),
    ...texts.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right))),
  ];
}

function percentile(values: Values, share: number): number | null {
  const numbers = numbersIn(values);
  return numbers[Math.ceil(share * numbers.length) - 1] ?? null;
}

function metricOf(records: readonly ModelRecord[], metric: Metric): Json {
  const [computed, name] = Object.entries(metric)[0] as [MetricFunction, string];
  return name === '*' ? records.length : functions[computed](records.map((record) => valueAt(record, name)));
}

function bucketOf(record: ModelRecord, { field, every }: NonNullable<Aggregate['bucket']>): Json {
  const value = valueAt(record, field);
  const ms = typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN;
  const everyMs = bucketMs(every);
  return Number.isNaN(ms) ? null : new Date(Math.floor(ms / everyMs) * everyMs).toISOString();
}

/** The groups of an aggregate, in the order of their names' values. */
export function groupsOf(records: readonly ModelRecord[], query: Query & { readonly aggregate: Aggregate }): Json[] {
  const { aggregate, where } = query;
  const { bucket, groupBy = [], metrics } = aggregate;
  const groups = Map.groupBy(
    records.filter((record) => isMatch(record, where)),
    (record) =>
      JSON.stringify([
        ...(bucket === undefined ? [] : [bucketOf(record, bucket)]),
        ...groupBy.map((name) => valueAt(record, name) ?? null),
      ]),
  );
  const names = groupNames(aggregate);
  if (names.length === 0 && groups.size === 0) groups.set('[]', []);
  return [...groups].map(([key, members]) => {
    const values = JSON.parse(key) as Json[];
    return Object.fromEntries([
      ...names.map((name, index) => [name, values[index] ?? null]),
      ...Object.entries(metrics).map(([name, metric]) => [name, metricOf(members, metric)]),
    ]) as Json;
  });
}

/** Tells apart what JSON text tells apart, whatever the order of groups. */
export function inAnyOrder(groups: readonly Json[]): string[] {
  return groups.map((group) => JSON.stringify(group)).toSorted();
}
