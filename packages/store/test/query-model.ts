import { type Condition, isJsonObject, type Json, type Operator, type Query, type Scalar } from '@holdfast/protocol';

/** A record as the model knows it. */
export interface ModelRecord {
  readonly id: string;
  readonly resource: string;
  readonly version: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly expires_at: string | null;
  readonly doc: Json;
}

const metadata: ReadonlySet<string> = new Set(['id', 'resource', 'version', 'created_at', 'updated_at', 'expires_at']);

/** Undefined: the record has no such field. */
function valueAt(record: ModelRecord, name: string): Json | undefined {
  if (metadata.has(name)) return record[name as keyof ModelRecord] ?? undefined;
  let value: Json | undefined = record.doc;
  for (const segment of (name.startsWith('doc.') ? name.slice(4) : name).split('.')) {
    if (value === undefined || !isJsonObject(value) || !Object.hasOwn(value, segment)) return undefined;
    value = value[segment];
  }
  return value;
}

function compareText(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** Undefined: the two are of different types, or of one that has no order. */
function compareValues(left: Json | undefined, right: Json): number | undefined {
  if (typeof left === 'string' && typeof right === 'string') return compareText(left, right);
  if (typeof left === 'number' && typeof right === 'number') return Math.sign(left - right);
  return undefined;
}

function equals(value: Json | undefined, wanted: Scalar): boolean {
  return wanted === null ? value === undefined || value === null : value === wanted;
}

const operators: { readonly [Name in Operator]: (value: Json | undefined, wanted: never) => boolean } = {
  eq: equals,
  ne: (value, wanted: Scalar) => !equals(value, wanted),
  gt: (value, wanted: Json) => (compareValues(value, wanted) ?? 0) > 0,
  gte: (value, wanted: Json) => (compareValues(value, wanted) ?? -1) >= 0,
  lt: (value, wanted: Json) => (compareValues(value, wanted) ?? 0) < 0,
  lte: (value, wanted: Json) => (compareValues(value, wanted) ?? 1) <= 0,
  in: (value, wanted: readonly Scalar[]) => wanted.some((one) => equals(value, one)),
  exists: (value, wanted: boolean) => (value !== undefined) === wanted,
};

function isMatch(record: ModelRecord, query: Query): boolean {
  return Object.entries(query.where ?? {}).every(([name, wanted]) => {
    const value = valueAt(record, name);
    const condition: Condition = typeof wanted === 'object' && wanted !== null ? wanted : { eq: wanted };
    return Object.entries(condition).every(([operator, operand]) =>
      operators[operator as Operator](value, operand as never),
    );
  });
}

function rank(value: Json | undefined): number {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'boolean') return value ? 2 : 1;
  if (typeof value === 'number') return 3;
  if (typeof value === 'string') return 4;
  return Array.isArray(value) ? 5 : 6;
}

/** The ids of all records that match, in the query's order. */
export function matchingIds(records: readonly ModelRecord[], query: Query): string[] {
  const matching = records.filter((record) => isMatch(record, query));
  const sorted = matching.toSorted((left, right) => {
    for (const [name, direction] of (query.orderBy ?? []).flatMap((entry) => Object.entries(entry))) {
      const [one, other] = [valueAt(left, name), valueAt(right, name)];
      const order = rank(one) - rank(other) || (other === undefined ? 0 : (compareValues(one, other) ?? 0));
      if (order !== 0) return direction === 'asc' ? order : -order;
    }
    return compareText(left.id, right.id);
  });
  return sorted.map(({ id }) => id);
}

/** How many records match for each group's values, the values as JSON text. */
export function groupCounts(
  records: readonly ModelRecord[],
  query: Query,
  groupBy: readonly string[],
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const record of records.filter((one) => isMatch(one, query))) {
    const group = JSON.stringify(groupBy.map((name) => valueAt(record, name) ?? null));
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return counts;
}
