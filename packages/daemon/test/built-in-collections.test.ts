import {
  type BuiltInCollection,
  builtInCollections,
  DECLARATIONS,
  type FieldDeclaration,
  type Json,
  type JsonObject,
} from '@holdfast/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestDaemon, type TestReply } from './support/test-daemon.ts';

// Made from the declarations: a collection that is added to the list is tested here without a further word.

let daemon: TestDaemon;
let ada: string;
let ben: string;

beforeAll(async () => {
  daemon = await TestDaemon.start();
  ada = await daemon.agent('ada');
  ben = await daemon.agent('ben');
});
afterAll(async () => daemon[Symbol.asyncDispose]());

const plain = builtInCollections.filter(({ name, writtenBy }) => name !== DECLARATIONS && writtenBy === undefined);
const guarded = builtInCollections.filter(({ writtenBy }) => writtenBy !== undefined);

function put(collection: string, id: string, body: Json): Promise<TestReply> {
  return daemon.call(`PUT /v1/records/${collection}/${id}`, { token: ada, body });
}

describe.each(plain.map((collection) => [collection.name, collection] as const))(
  '%s',
  (name, { example, conflict }) => {
    test('keeps its example as it is, and finds it', async () => {
      expect((await put(name, example.id, example.document)).status).toBe(200);
      const read = await daemon.call(`GET /v1/records/${name}/${example.id}`, { token: ada });
      expect(read.json).toEqual(example.document);
      const found = await daemon.call(`POST /v1/records/${name}/query`, { token: ada, body: {} });
      expect(found.json.records).toMatchObject([{ id: example.id, doc: example.document }]);
    });

    test('shows nothing of it to another agent, nor to another resource', async () => {
      const strangers = [
        // What is shared is for all agents of a resource.
        ...(conflict === 'shared' ? [] : [{ token: ben }]),
        { token: ada, headers: { 'holdfast-resource': 'app:other' } },
        { token: await daemon.boundToken('ada', 'app:one') },
      ];
      for (const stranger of strangers) {
        const read = await daemon.call(`GET /v1/records/${name}/${example.id}`, stranger);
        expect([read.status, read.json.code]).toEqual([404, 'record-not-found']);
        const found = await daemon.call(`POST /v1/records/${name}/query`, { ...stranger, body: {} });
        expect(found.json).toEqual({ records: [], next: null });
      }
    });
  },
);

describe.each(guarded.map((collection) => [collection.name, collection] as const))(
  '%s, which has a call of its own',
  (collection, { example: { id, document: doc }, writtenBy }) => {
    const operations = [
      { op: 'put', collection, id, doc },
      { op: 'put', collection, doc },
      { op: 'patch', collection, id, doc },
      { op: 'delete', collection, id },
    ];
    const path = `/v1/records/${collection}`;
    const refusal = { code: 'collection-guarded', detail: expect.stringContaining(String(writtenBy)) };

    test.each<[string, Json]>([
      [`PUT ${path}/x`, doc],
      [`PATCH ${path}/x`, {}],
      [`DELETE ${path}/x`, null],
      [`POST ${path}`, doc],
      ...operations.map((operation): [string, Json] => ['POST /v1/batch', [operation]]),
    ])('is not written by %s', async (call, body) => {
      const refused = await daemon.call(call, { token: ada, ...(body !== null && { body }) });
      expect([refused.status, refused.json]).toMatchObject([409, refusal]);
    });

    test('is written by no line of a batch, and the lines beside it are', async () => {
      const beside = { op: 'put', collection: 'kv', id: 'beside', doc: 1 };
      const body = [...operations, beside].map((operation) => JSON.stringify(operation)).join('\n');
      const headers = { 'content-type': 'application/x-ndjson' };
      const { lines } = await daemon.call('POST /v1/batch', { token: ada, headers, body });
      expect(lines).toMatchObject([
        ...operations.map(() => ({ error: { code: 'collection-guarded' } })),
        { id: 'beside' },
        { end: true, written: 1 },
      ]);
    });

    test('is not declared anew', async () => {
      const declared = await daemon.call(`PUT /v1/collections/${collection}`, { token: ada, body: { open: true } });
      expect(declared.status).toBeGreaterThanOrEqual(400);
    });
  },
);

/** A field, what does not fit it, and what is said of that. */
type Misfit = readonly [collection: string, field: string, value: Json, said: RegExp];

const wrongType: Readonly<Record<FieldDeclaration['type'], Json | undefined>> = {
  text: 17,
  number: 'many',
  integer: 1.5,
  boolean: 'yes',
  time: 'yesterday',
  list: 'one',
  object: 'a thing',
  json: undefined,
};

function misfitsOf(field: FieldDeclaration): (readonly [Json, RegExp])[] {
  const wrong = wrongType[field.type];
  const misfits: (readonly [Json, RegExp])[] = wrong === undefined ? [] : [[wrong, /^expected /]];
  if (field.type === 'text') {
    if (field.oneOf !== undefined) misfits.push(['no such word', /^expected one of /]);
    if (field.format !== undefined) misfits.push(['nothing of the kind', /^expected /]);
    if (field.maxLength !== undefined) misfits.push(['x'.repeat(field.maxLength + 1), /^expected at most /]);
    if (field.minLength !== undefined) misfits.push(['', /^expected at least /]);
  }
  if (field.type === 'number' || field.type === 'integer') {
    if (field.min !== undefined) misfits.push([field.min - 1, /^expected at least /]);
    if (field.max !== undefined) misfits.push([field.max + 1, /^expected at most /]);
  }
  if (field.type === 'list' && field.maxItems !== undefined)
    misfits.push([Array.from({ length: field.maxItems + 1 }, () => 'x'), /^expected at most /]);
  return misfits;
}

const declared: readonly BuiltInCollection[] = plain.filter(({ fields }) => fields !== undefined);
const misfits: readonly Misfit[] = declared.flatMap(({ name, fields = {} }) =>
  Object.entries(fields).flatMap(([field, declaration]) =>
    misfitsOf(declaration).map(([value, said]): Misfit => [name, field, value, said]),
  ),
);

test('every declared field has something that does not fit it', () => {
  expect(misfits.length).toBeGreaterThan(100);
});

test.each(misfits)(
  '%s refuses in %s what does not fit, says where, and keeps nothing',
  async (name, field, value, said) => {
    const { example } = declared.find((collection) => collection.name === name) as BuiltInCollection;
    const refused = await put(name, 'misfit', { ...(example.document as JsonObject), [field]: value });
    expect([refused.status, refused.json.code]).toEqual([422, 'invalid-request']);
    expect(refused.json.issues).toEqual([{ path: field, message: expect.stringMatching(said) }]);
    expect((await daemon.call(`GET /v1/records/${name}/misfit`, { token: ada })).status).toBe(404);
  },
);

test.each(
  declared.flatMap(({ name, fields = {} }) =>
    Object.entries(fields).flatMap(([field, { required }]) => (required === true ? [[name, field] as const] : [])),
  ),
)('%s requires %s', async (name, field) => {
  const { example } = declared.find((collection) => collection.name === name) as BuiltInCollection;
  const { [field]: _left, ...rest } = example.document as JsonObject;
  const refused = await put(name, 'misfit', rest);
  expect(refused.json.issues).toEqual([{ path: field, message: 'required' }]);
});

test.each(declared.filter(({ open }) => open !== true).map(({ name }) => name))(
  '%s refuses a field it does not have, and names the nearest',
  async (name) => {
    const { example, fields = {} } = declared.find((collection) => collection.name === name) as BuiltInCollection;
    const [first = ''] = Object.keys(fields);
    const refused = await put(name, 'misfit', { ...(example.document as JsonObject), [`${first}x`]: 1 });
    expect(refused.json.detail).toContain(`did you mean "${first}"?`);
  },
);
