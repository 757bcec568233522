import { type Filter, type Json, type Operator, operators, type Query, querySchema } from '@holdfast/protocol';
import fc from 'fast-check';

const keys = ['a', 'b', 'é', 'x y', "it's", '😀', 'id', 'doc', '#', '$', '*', '%', 'tab\there', '1'] as const;
/** Numbers that are easily taken for others. */
export const numbers: readonly number[] = [
  0,
  1,
  -1,
  0.5,
  1e300,
  -1e300,
  5e-324,
  0.1 + 0.2,
  2 ** 53,
  1.5e17,
  1571507710345910300,
  1e20,
  1e21,
];
/** Texts that are easily taken for others. */
export const texts: readonly string[] = [
  '',
  'a',
  'A',
  'b',
  'ab',
  '1',
  '0',
  'true',
  'null',
  'é',
  '\uffff',
  '😀',
  "'",
  '%',
  '"',
  '\\',
  '[]',
  '{}',
];

const scalar = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...numbers) },
  { weight: 4, arbitrary: fc.constantFrom(...texts) },
  { weight: 2, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: fc.constant(null) },
);
const list = fc.array(scalar, { maxLength: 4 });
const ordered = fc.oneof(fc.constantFrom(...numbers), fc.constantFrom(...texts));
const key = fc.oneof(
  { weight: 6, arbitrary: fc.constant('a') },
  { weight: 2, arbitrary: fc.constant('b') },
  { weight: 2, arbitrary: fc.constantFrom(...keys) },
);
const value: fc.Arbitrary<Json> = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 2 }) },
  {
    weight: 2,
    arbitrary: fc.dictionary(key, fc.oneof(scalar, fc.dictionary(key, scalar, { maxKeys: 2 })), { maxKeys: 3 }),
  },
);
/** Documents that are alike. */
export const document: fc.Arbitrary<Json> = fc.oneof(
  { weight: 8, arbitrary: fc.dictionary(key, value, { maxKeys: 5 }) },
  { weight: 1, arbitrary: value },
);

const documentPath = fc
  .tuple(fc.constantFrom('', '', 'doc.'), fc.array(key, { minLength: 1, maxLength: 3 }))
  .map(([prefix, segments]) => prefix + segments.join('.'))
  // Alone it would be the record's own id.
  .map((path) => (path === 'id' ? 'doc.id' : path));
/** When the first record is written. */
export const startMs: number = Date.UTC(2026, 10, 20);
const time = fc.integer({ min: -1, max: 12 }).map((step) => new Date(startMs + step * 1000).toISOString());
const times = ['created_at', 'updated_at', 'expires_at'] as const;

const operands: Readonly<Record<Operator, fc.Arbitrary<unknown>>> = {
  eq: scalar,
  ne: scalar,
  gt: ordered,
  gte: ordered,
  lt: ordered,
  lte: ordered,
  in: list,
  nin: list,
  exists: fc.boolean(),
  prefix: fc.constantFrom(...texts),
  contains: scalar,
  hasAll: list,
  hasAny: list,
};
const condition = fc.oneof(
  { weight: 2, arbitrary: scalar },
  { weight: 5, arbitrary: fc.record(operands, { requiredKeys: [] }) },
);
const oneComparison = fc
  .constantFrom(...operators)
  .chain((operator) => operands[operator].map((wanted) => ({ [operator]: wanted })));
const timeCondition = fc.oneof(
  time.map((gte) => ({ gte })),
  time.map((lt) => ({ lt })),
  fc.array(fc.oneof(time, fc.constant(null)), { maxLength: 3 }).map((list) => ({ in: list })),
  fc.boolean().map((exists) => ({ exists })),
  fc.constantFrom({ eq: null }, { ne: null }),
);
const fields = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.dictionary(documentPath, fc.oneof({ weight: 3, arbitrary: oneComparison }, condition), {
      maxKeys: 2,
    }),
  },
  { weight: 1, arbitrary: fc.dictionary(fc.constantFrom(...times), timeCondition, { minKeys: 1, maxKeys: 2 }) },
);

const filters = fc.letrec<{ where: Filter; together: Filter }>((tie) => ({
  where: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 4, arbitrary: fields as fc.Arbitrary<Filter> },
    { weight: 1, arbitrary: tie('together') },
  ),
  together: fc
    .tuple(fields, fc.constantFrom('and', 'or', 'not'), fc.array(tie('where'), { maxLength: 3 }))
    .map(([alone, connective, filters]) => ({ ...alone, [connective]: filters }) as Filter),
}));

/** Filters, some of them put together of others. */
export const where: fc.Arbitrary<Filter> = filters.where.filter(
  (made) => querySchema.safeParse({ where: made }).success,
);

/** Names of fields: of documents, and of the record itself. */
export const field: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: documentPath },
  { weight: 1, arbitrary: fc.constantFrom('id', 'version', ...times) },
);
const orderBy = fc.array(
  fc.tuple(field, fc.constantFrom('asc', 'desc')).map(([name, direction]) => ({ [name]: direction })),
  { maxLength: 3 },
);
/** Queries for records. */
export const query: fc.Arbitrary<Query> = fc
  .record({ where, orderBy, limit: fc.integer({ min: 1, max: 9 }) })
  .map((parts) => querySchema.parse(parts));
