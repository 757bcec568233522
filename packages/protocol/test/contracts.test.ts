import {
  batchSchema,
  bodyErrors,
  builtInCollections,
  collectionName,
  declarationSchema,
  documentCheck,
  commonErrors,
  daemonRoutes,
  errorCatalogue,
  errorCodes,
  eventErrors,
  HoldfastError,
  invalidRequest,
  isHoldfastError,
  isJsonObject,
  isRecordId,
  limits,
  makeRecordId,
  NAME_PATTERN,
  operationSchema,
  parseDocument,
  problemSchema,
  querySchema,
  relayRoutes,
  resourceName,
  type Route,
} from '@holdfast/protocol';
import { describe, expect, test } from 'vitest';

describe('names', () => {
  test.each(['a', '0', 'recruiter-2_x', 'a'.repeat(63)])('an agent may be called "%s"', (name) => {
    expect(NAME_PATTERN.test(name)).toBe(true);
  });

  test.each(['', '.', '..', '-a', '_a', 'A', 'a.b', 'a/b', '%2e', 'é', 'a\n', 'a'.repeat(64), 'a'.repeat(300)])(
    'an agent may not be called %j',
    (name) => {
      expect(NAME_PATTERN.test(name)).toBe(false);
    },
  );

  test.each(['a', '...', 'a/b?c#d', ' ', '€😀', 'x'.repeat(255), "';--"])('a record may have the id %j', (id) => {
    expect(isRecordId(id)).toBe(true);
  });

  test.each(['', '.', '..', 'a\0', 'a\n', '\u007f', '\ud800', 'x'.repeat(256)])(
    'a record may not have the id %j',
    (id) => {
      expect(isRecordId(id)).toBe(false);
    },
  );

  test('collections and resources have names of their own kinds', () => {
    for (const name of ['kv', 'a_1']) expect(collectionName.safeParse(name).success).toBe(true);
    for (const name of ['', '1a', 'a-b', 'A', '_a', 'a\n']) expect(collectionName.safeParse(name).success).toBe(false);
    for (const name of ['', 'app:user_123', 'A.b@c-d']) expect(resourceName.safeParse(name).success).toBe(true);
    for (const name of [':a', 'a b', 'a\n', 'a'.repeat(129)]) expect(resourceName.safeParse(name).success).toBe(false);
  });

  test('ids made here are valid and sort in the order they were made', () => {
    const ids = Array.from({ length: 1000 }, () => makeRecordId());
    expect(ids.every(isRecordId)).toBe(true);
    expect(ids).toEqual([...new Set(ids)].toSorted());
  });
});

describe('the error catalogue', () => {
  test.each(errorCodes)('%s is whole', (code) => {
    const { status, title, remedy } = errorCatalogue[code];
    expect(code).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    expect(title).toMatch(/^[A-Z].*[^.]$/);
    expect(remedy).toMatch(/[.]$/);
  });

  test('has each title once', () => {
    const titles = errorCodes.map((code) => errorCatalogue[code].title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  test('an error becomes problem details with every member, and none of its cause', () => {
    const error = new HoldfastError('precondition-failed', 'what happened', {
      cause: new Error('inner secret'),
      issues: [{ path: 'a.b', message: 'wrong' }],
      extensions: { version: 'v', status: 999, code: 'forged' },
    });
    const problem = error.toProblem('r1');
    expect(problemSchema.parse(JSON.parse(JSON.stringify(problem)))).toEqual({
      type: 'urn:holdfast:error:precondition-failed',
      title: errorCatalogue['precondition-failed'].title,
      status: 412,
      code: 'precondition-failed',
      detail: 'what happened',
      remedy: errorCatalogue['precondition-failed'].remedy,
      retryable: false,
      requestId: 'r1',
      issues: [{ path: 'a.b', message: 'wrong' }],
      version: 'v',
    });
    expect(JSON.stringify(problem)).not.toContain('secret');
    expect(isHoldfastError(error, 'precondition-failed')).toBe(true);
    expect(isHoldfastError(error, 'internal')).toBe(false);
    expect(isHoldfastError(new Error('x'))).toBe(false);
  });

  test('a failed check names each place', () => {
    const parsed = batchSchema.safeParse([{ op: 'put', collection: 'A', doc: 1 }, { op: 'none' }]);
    const error = invalidRequest('body', parsed.error!);
    expect(error.code).toBe('invalid-request');
    expect(error.issues.map((issue) => issue.path)).toEqual(['body.0.collection', 'body.1.op']);
  });

  test('an unknown comparison is told with those there are', () => {
    const parsed = querySchema.safeParse({ where: { age: { gtee: 1 } } });
    expect(invalidRequest('body', parsed.error!).message).toBe(
      'body.where.age: no comparison is called "gtee": there are ' +
        'eq, ne, gt, gte, lt, lte, in, nin, exists, prefix, contains, hasAll, hasAny; did you mean "gte"?',
    );
  });
});

describe.each([
  ['daemon', Object.entries<Route>(daemonRoutes)],
  ['relay', Object.entries<Route>(relayRoutes)],
])('the routes of the %s', (_service, routes) => {
  test('are told apart by method and path', () => {
    const calls = routes.map(([, route]) => `${route.method} ${route.path.replaceAll(/\{\w+\}/g, '{}')}`);
    expect(new Set(calls).size).toBe(calls.length);
  });

  test.each(routes)('%s declares its parameters, roles and errors', (_id, route) => {
    const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    expect(Object.keys(route.params ?? {})).toEqual(inPath);
    expect(route.path).toMatch(/^\/(v1|relay)(\/|$)/);
    expect(route.roles.length).toBeGreaterThan(0);
    const ofAnswer = route.answer.kind === 'events' ? eventErrors : [];
    const errors = [...route.errors, ...commonErrors, ...(route.body ? bodyErrors : []), ...ofAnswer];
    for (const code of errors) expect(errorCodes).toContain(code);
    expect(new Set(errors).size).toBe(errors.length);
    expect(route.answer.kind === 'none').toBe(route.status === 204);
    expect(route.method === 'GET' && route.body !== undefined).toBe(false);
  });
});

describe('collections', () => {
  test.each(builtInCollections)(
    '$name has a valid name, help and example',
    ({ name, help, document, example, writtenBy, ...declaration }) => {
      expect(collectionName.safeParse(name).success).toBe(true);
      expect(help).toMatch(/^[A-Z].*[^.]$/);
      expect(isRecordId(example.id)).toBe(true);
      expect(parseDocument(JSON.stringify(example.document)).value).toEqual(example.document);
      expect(document === 'any' || isJsonObject(example.document)).toBe(true);
      expect(declarationSchema.safeParse(declaration).error).toBeUndefined();
      const calls = Object.values(daemonRoutes).map(({ method, path }) => `${method} ${path}`);
      expect([undefined, ...calls]).toContain(writtenBy?.split('?')[0]);
      expect(documentCheck({ name, document, ...declaration })(example.document)).toEqual({
        issues: [],
        value: example.document,
      });
    },
  );

  test('have names of their own', () => {
    const names = builtInCollections.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('operations and queries', () => {
  test.each([
    { op: 'put', collection: 'a' },
    { op: 'patch', collection: 'a', id: '1' },
    { op: 'put', collection: 'a', doc: {}, ttl: 0 },
    { op: 'put', collection: 'a', doc: {}, ifMatch: '*' },
    { op: 'put', collection: 'a', doc: {}, extra: 1 },
    { op: 'delete', collection: 'a' },
    { op: 'drop', collection: 'a', id: '1' },
  ])('%j is no operation', (operation) => {
    expect(operationSchema.safeParse(operation).success).toBe(false);
  });

  test('a batch has 1 to 1,000 operations', () => {
    const operation = { op: 'delete', collection: 'a', id: '1' };
    const ofLength = (length: number): boolean =>
      batchSchema.safeParse(Array.from({ length }, () => operation)).success;
    expect([0, 1, limits.batchOperations, limits.batchOperations + 1].map(ofLength)).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  test.each([
    { where: { '': 1 } },
    { where: { 'a"b': 1 } },
    { where: { 'a\\b': 1 } },
    { where: { 'a[0]': 1 } },
    { where: { 'a..b': 1 } },
    { where: { 'a\0': 1 } },
    { where: { a: { like: 'x' } } },
    { where: { a: { gt: true } } },
    { where: { a: [1] } },
    { orderBy: [{ a: 'up' }] },
    { orderBy: [{ a: 'asc', b: 'asc' }] },
    { orderBy: [{}] },
    { limit: 0 },
    { limit: 1.5 },
    { unknown: 1 },
    { aggregate: { metrics: {} } },
    { aggregate: { metrics: { 'n"; DROP TABLE records; --': { count: '*' } } } },
    { aggregate: { metrics: { n: { sum: '*', count: '*' } } } },
    { aggregate: { metrics: { n: {} } } },
    { aggregate: { metrics: { n: { median: 'a' } } } },
    { aggregate: { groupBy: ['a', 'a'], metrics: { n: { count: '*' } } } },
    {
      aggregate: {
        bucket: { field: 'created_at', every: '1h' },
        groupBy: ['created_at'],
        metrics: { n: { count: '*' } },
      },
    },
    { aggregate: { bucket: { field: 'created_at', every: '1 month' }, metrics: { n: { count: '*' } } } },
    { where: { and: { a: 1 } } },
    { where: { or: [{ 'a"': 1 }] } },
    { where: { a: { or: [{ b: 1 }] } } },
    { where: { not: [{ a: { like: 'b' } }] } },
    { where: nested(limits.queryDepth + 1) },
    { where: { or: Array.from({ length: 33 }, (_, at) => ({ [`f${at}`]: 1 })) } },
    { aggregate: { groupBy: ['n'], metrics: { n: { count: '*' } } } },
    { aggregate: { metrics: Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`m${at}`, { count: '*' }])) } },
    { where: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`f${at}`, 1])) },
    { where: { a: { in: Array(501).fill(1) } } },
  ])('%j is no query', (query) => {
    expect(querySchema.safeParse(query).success).toBe(false);
  });
});

function nested(depth: number): unknown {
  return depth === 1 ? { a: 1 } : { not: [nested(depth - 1)] };
}
