import type { Aggregate, Metric, MetricFunction } from '../aggregate.ts';
import { type NetworkQuery, networkQuerySchema } from '../query.ts';
import { invalidRequest } from '../../errors.ts';
import { TextCursor } from './cursor.ts';
import { readField, readFilter } from './filter.ts';

/** Words that may stand behind a collection, a filter or groups, but for the metrics. */
const clauses = ['select', 'search', 'where', 'and', 'or', 'group', 'order', 'limit'];
const functions: readonly MetricFunction[] = ['sum', 'avg', 'min', 'max', 'p50', 'p95', 'p99', 'distinct'];

/**
 * Reads a query in its text form (`docs/query.md`):
 * `candidates where skills has Python and experience_years >= 3 order by name`. Throws `invalid-request` that says what was expected
 * and where.
 */
export function parseQueryText(text: string): NetworkQuery {
  const cursor = new TextCursor(text);
  const collection = cursor.isNext('where') || cursor.peek().kind === 'end' ? undefined : readField(cursor);
  const metrics = readMetrics(cursor);
  const select = metrics === undefined && cursor.takes('select') ? cursor.list(() => readField(cursor)) : undefined;
  const search = cursor.takes('search') ? readSearch(cursor) : undefined;
  const where = cursor.takes('where') ? readFilter(cursor) : undefined;
  const groups = metrics !== undefined && cursor.takes('group', 'by') ? readGroups(cursor) : {};
  const orderBy = cursor.takes('order', 'by') ? cursor.list(() => readOrder(cursor)) : undefined;
  const limit = cursor.takes('limit') ? readCount(cursor) : undefined;
  if (cursor.peek().kind !== 'end')
    throw cursor.expected('the end', cursor.peek(1).text === '(' ? functions : [...clauses, 'count']);
  const parsed = networkQuerySchema.safeParse({
    ...(collection !== undefined && { collection }),
    ...(select && { select }),
    ...(search !== undefined && { search }),
    ...(where && { where }),
    ...(metrics && { aggregate: { ...groups, metrics } }),
    ...(orderBy && { orderBy }),
    ...(limit !== undefined && { limit }),
  });
  if (parsed.success) return parsed.data;
  throw invalidRequest('query', parsed.error);
}

function readMetrics(cursor: TextCursor): Record<string, Metric> | undefined {
  if (!cursor.isNext('count') && !functions.some((name) => cursor.isNext(name, '('))) return undefined;
  return Object.fromEntries(cursor.list(() => readMetric(cursor)));
}

function readMetric(cursor: TextCursor): [name: string, metric: Metric] {
  const computed = cursor.takesOneOf<MetricFunction>(['count', ...functions]);
  if (computed === undefined) throw cursor.expected(`count, ${functions.join(', ')}`, ['count', ...functions]);
  const field = readArgument(cursor, computed);
  const name = cursor.takes('as') ? readField(cursor) : nameOf(computed, field);
  return [name, { [computed]: field }];
}

function readArgument(cursor: TextCursor, computed: MetricFunction): string {
  if (computed === 'count' && !cursor.isNext('(')) return '*';
  cursor.require('(');
  const field = readField(cursor);
  cursor.require(')');
  return field;
}

function nameOf(computed: MetricFunction, field: string): string {
  return field === '*' ? computed : `${computed}_${field.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')}`;
}

function readSearch(cursor: TextCursor): string {
  if (cursor.peek().kind !== 'quoted' && cursor.peek().kind !== 'word') throw cursor.expected('words, in quotes');
  return cursor.take().text;
}

function readGroups(cursor: TextCursor): Pick<Aggregate, 'groupBy' | 'bucket'> {
  const bucket = cursor.takes('every') ? readBucket(cursor) : undefined;
  if (bucket !== undefined && !cursor.takes(',')) return { bucket };
  return { ...(bucket && { bucket }), groupBy: cursor.list(() => readField(cursor)) };
}

function readBucket(cursor: TextCursor): NonNullable<Aggregate['bucket']> {
  const every = readField(cursor);
  cursor.require('of');
  return { every, field: readField(cursor) };
}

function readOrder(cursor: TextCursor): { [field: string]: 'asc' | 'desc' } {
  return { [readField(cursor)]: cursor.takesOneOf(['asc', 'desc']) ?? 'asc' };
}

function readCount(cursor: TextCursor): number {
  if (!/^\d+$/.test(cursor.peek().text)) throw cursor.expected('a number');
  return Number(cursor.take().text);
}
