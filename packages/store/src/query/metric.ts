import type { Metric, MetricFunction } from '@holdfast/protocol';

import { type Field, invalid, type Names, resolveField } from './field.ts';
import { percentileFunction } from './percentile.ts';
import { comparable } from './place.ts';
import { concat, sql, type Sql } from './sql.ts';

/** What is computed over a group, in SQL; `isTime`: it comes out as milliseconds since 1970. */
export interface CompiledMetric {
  readonly sql: Sql;
  readonly isTime: boolean;
}

/** Compiles a metric. Throws `invalid-request`. */
export function compileMetric(metric: Metric, names: Names): CompiledMetric {
  const [computed, name] = Object.entries(metric)[0] as [MetricFunction, string];
  if (name === '*') return { sql: sql('count(*)'), isTime: false };
  const field = resolveField(name, names);
  const isTime = field.kind === 'metadata' && field.column.kind === 'time';
  return { sql: functions[computed](field, name), isTime: isTime && (computed === 'min' || computed === 'max') };
}

const functions: Readonly<Record<MetricFunction, (field: Field, name: string) => Sql>> = {
  count: (field) => concat`count(${presence(field)})`,
  sum: (field, name) => concat`total(${number(field, name)})`,
  avg: (field, name) => concat`avg(${number(field, name)})`,
  min: (field) => concat`min(${ordered(field)})`,
  max: (field) => concat`max(${ordered(field)})`,
  p50: percentile(50),
  p95: percentile(95),
  p99: percentile(99),
  distinct: (field) => concat`count(DISTINCT ${distinguished(field)})`,
};

function percentile(hundredths: 50 | 95 | 99): (field: Field, name: string) => Sql {
  return (field, name) => concat`${sql(percentileFunction(hundredths))}(${number(field, name)})`;
}

function presence(field: Field): Sql {
  return field.kind === 'metadata' ? sql(field.column.column) : field.place.type;
}

function number(field: Field, name: string): Sql {
  if (field.kind === 'metadata') throw invalid(name, 'is no number');
  const { value, type } = field.place;
  return concat`CASE WHEN ${type} IN ('integer', 'real') THEN CAST(${value} AS REAL) END`;
}

function ordered(field: Field): Sql {
  return field.kind === 'metadata' ? sql(field.column.column) : comparable(field.place);
}

// Numbers as numbers, so that 1 and 1.0 are one value; all else as text that names its type.
function distinguished(field: Field): Sql {
  if (field.kind === 'metadata') return sql(field.column.column);
  const { value, type } = field.place;
  return concat`CASE ${type} WHEN 'null' THEN NULL WHEN 'integer' THEN CAST(${value} AS REAL) WHEN 'real' THEN ${value}
    ELSE ${type} || ' ' || ${value} END`;
}
