import { type Aggregate, bucketMs, didYouMean, groupNames, type Json, limits, type Query } from '@holdfast/protocol';

import { parseStored } from '../stored-json.ts';
import { type Field, invalid, type Names, resolveField } from './field.ts';
import { compileMetric } from './metric.ts';
import { all, concat, join, sql, type Sql, type SqlValue } from './sql.ts';
import { toTimestamp } from './timestamp.ts';

/** One group of an answer: the values grouped by, and the metrics, by name. */
export type Group = Readonly<Record<string, Json>>;

/** A query for groups. */
export type AggregateQuery = Pick<Query, 'orderBy' | 'limit'> & { readonly aggregate: Aggregate };

/** An aggregate ready to run. Unless it is limited, it gives at most one group more than an answer may have. */
export interface CompiledAggregate {
  readonly sql: Sql;
  /** The group that a row stands for. */
  readonly groupOf: (row: Readonly<Record<string, SqlValue>>) => Group;
}

/** Compiles an aggregate over the records that meet all of `conditions`. Throws `invalid-request`. */
export function compileAggregate(
  { aggregate, orderBy = [], limit = limits.queryGroups + 1 }: AggregateQuery,
  { from, names, conditions }: { readonly from: Sql; readonly names: Names; readonly conditions: readonly Sql[] },
): CompiledAggregate {
  const groupedBy = groupNames(aggregate);
  const metrics = Object.entries(aggregate.metrics).map(([name, metric]) => ({
    name,
    ...compileMetric(metric, names),
  }));
  const groups = groupsOf(aggregate, names);
  const listed = [
    ...groups.flatMap(({ value, type }, index) => [
      concat`${value} AS ${sql(`value${index}`)}`,
      concat`${type} AS ${sql(`type${index}`)}`,
    ]),
    ...metrics.map((metric, index) => concat`${metric.sql} AS ${sql(`metric${index}`)}`),
  ];
  const keys = groups.flatMap((_, index) => [`value${index}`, `type${index}`]);
  const order = [...orderTerms(orderBy, { groupedBy, metrics: Object.keys(aggregate.metrics) }), ...keys];
  const grouping = keys.length === 0 ? sql('') : sql(`GROUP BY ${keys.join(', ')} ORDER BY ${order.join(', ')}`);
  return {
    sql: concat`SELECT ${join(listed, ', ')} FROM ${from} WHERE ${all(conditions)} ${grouping} LIMIT ${sql('?', limit)}`,
    groupOf: (row) =>
      Object.fromEntries([
        ...groupedBy.map((name, index) => [name, groupValue(row, index)]),
        ...metrics.map(({ name, isTime }, index) => [name, metricValue(row[`metric${index}`] ?? null, isTime)]),
      ]) as Group,
  };
}

/** What groups are sorted by before their own values: some of these, and metrics. */
function orderTerms(
  orderBy: NonNullable<Query['orderBy']>,
  { groupedBy, metrics }: { readonly groupedBy: readonly string[]; readonly metrics: readonly string[] },
): string[] {
  const columns = new Map<string, readonly string[]>([
    ...groupedBy.map((name, index) => [name, [`value${index}`, `type${index}`]] as const),
    ...metrics.map((name, index) => [name, [`metric${index}`]] as const),
  ]);
  return orderBy.flatMap((entry) =>
    Object.entries(entry).flatMap(([name, direction]) => {
      const sorted = columns.get(name);
      if (sorted === undefined) {
        throw invalid(
          name,
          `groups are sorted by what they are grouped by and by metrics${didYouMean(name, [...columns.keys()])}`,
        );
      }
      return sorted.map((column) => `${column} ${direction === 'desc' ? 'DESC' : 'ASC'}`);
    }),
  );
}

/** What a group is told by: a value, and the name of its type. */
interface GroupKey {
  readonly value: Sql;
  readonly type: Sql;
}

function groupsOf({ bucket, groupBy = [] }: Aggregate, names: Names): GroupKey[] {
  const grouped = groupBy.map((name): GroupKey => {
    const field = resolveField(name, names);
    if (field.kind === 'metadata') return { value: sql(field.column.column), type: sql(`'${field.column.kind}'`) };
    return {
      value: sql('json_extract(doc, ?)', field.path),
      type: sql(`ifnull(json_type(doc, ?), 'null')`, field.path),
    };
  });
  if (bucket === undefined) return grouped;
  const everyMs = sql('?', bucketMs(bucket.every));
  const timeMs = timeOf(resolveField(bucket.field, names));
  // The remainder of a time before 1970 is negative.
  const value = concat`${timeMs} - ((${timeMs} % ${everyMs}) + ${everyMs}) % ${everyMs}`;
  return [{ value, type: sql(`'time'`) }, ...grouped];
}

/** A time in milliseconds; null for what is none. */
function timeOf(field: Field): Sql {
  if (field.kind === 'metadata') return field.column.kind === 'time' ? sql(field.column.column) : sql('NULL');
  const { path } = field;
  // What looks like a date: SQLite would read "now" and day numbers as well.
  return sql(
    `CASE WHEN json_type(doc, ?) = 'text' AND json_extract(doc, ?) GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'
     THEN CAST(round(unixepoch(json_extract(doc, ?), 'subsec') * 1000) AS INTEGER) END`,
    path,
    path,
    path,
  );
}

function groupValue(row: Readonly<Record<string, SqlValue>>, index: number): Json {
  const value = row[`value${index}`] ?? null;
  const decode = groupDecoders[String(row[`type${index}`])];
  return decode === undefined || value === null ? value : decode(value);
}

function metricValue(value: SqlValue, isTime: boolean): Json {
  return isTime && value !== null ? toTimestamp(Number(value)) : value;
}

/** How SQLite's values become JSON again, by the type SQLite names; others are as they are. */
const groupDecoders: Readonly<Record<string, (value: string | number) => Json>> = {
  true: () => true,
  false: () => false,
  array: (text) => parseStored(String(text)),
  object: (text) => parseStored(String(text)),
  time: (ms) => toTimestamp(Number(ms)),
};
