import {
  type Connective,
  type Filter,
  filterParts,
  isJsonObject,
  type Json,
  type Operator,
  type Query,
  type Scalar,
} from '@holdfast/protocol';

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
export function valueAt(record: ModelRecord, name: string): Json | undefined {
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
  nin: (value, wanted: readonly Scalar[]) => !wanted.some((one) => equals(value, one)),
  exists: (value, wanted: boolean) => (value !== undefined) === wanted,
  prefix: (value, wanted: string) => typeof value === 'string' && value.startsWith(wanted),
  contains: (value, wanted: Scalar) =>
    has(value, wanted) || (typeof value === 'string' && typeof wanted === 'string' && value.includes(wanted)),
  hasAll: (value, wanted: readonly Scalar[]) => Array.isArray(value) && wanted.every((one) => has(value, one)),
  hasAny: (value, wanted: readonly Scalar[]) => wanted.some((one) => has(value, one)),
};

function has(value: Json | undefined, wanted: Scalar): boolean {
  return Array.isArray(value) && (value as readonly Json[]).some((member) => equals(member, wanted));
}

const connectives: Readonly<Record<Connective, (holds: readonly boolean[]) => boolean>> = {
  and: (holds) => holds.every(Boolean),
  or: (holds) => holds.some(Boolean),
  not: (holds) => !holds.some(Boolean),
};

/** Whether a record is one of those a filter is about. */
export function isMatch(record: ModelRecord, filter: Filter = {}): boolean {
  return filterParts(filter).every((part) => {
    if (part.kind !== 'field') return connectives[part.kind](part.filters.map((each) => isMatch(record, each)));
    const value = valueAt(record, part.name);
    return Object.entries(part.condition).every(([operator, operand]) =>
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
  const matching = records.filter((record) => isMatch(record, query.where));
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
