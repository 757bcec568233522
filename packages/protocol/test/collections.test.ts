import {
  builtInCollection,
  type Collection,
  contradictions,
  type Declaration,
  declarationSchema,
  documentCheck,
  fieldsOfJsonSchema,
  type Json,
  jsonSchemaOf,
  limits,
  unionOf,
} from '@holdfast/protocol';
import { describe, expect, test } from 'vitest';

const leads: Declaration = {
  fields: {
    company: { type: 'text', required: true, minLength: 2, maxLength: 10 },
    contact: { type: 'text', format: 'email', personal: true },
    site: { type: 'text', format: 'uri' },
    employees: { type: 'integer', min: 1 },
    score: { type: 'number', min: 0, max: 1 },
    isOpen: { type: 'boolean' },
    regions: { type: 'list', of: { type: 'text' }, maxItems: 2 },
    status: { type: 'text', oneOf: ['new', 'won'], default: 'new' },
    asked: { type: 'time' },
    address: { type: 'object', fields: { city: { type: 'text', required: true } } },
    notes: { type: 'json' },
  },
};

function checked(document: Json, declaration: Declaration = leads): ReturnType<ReturnType<typeof documentCheck>> {
  return documentCheck({ ...declaration, name: 'leads' })(document);
}

describe('a document of a declared collection', () => {
  test('that fits is left as it is', () => {
    const document = {
      company: 'Kelp',
      contact: 'ada@kelp.example',
      site: 'https://kelp.example/',
      employees: 3,
      score: 0.5,
      isOpen: true,
      regions: ['eu'],
      status: 'won',
      asked: '2026-11-20T10:54:56.123Z',
      address: { city: 'Paris' },
      notes: [1, { a: null }],
    };
    const { value, issues } = checked(document);
    expect(issues).toEqual([]);
    expect(value).toBe(document);
  });

  test('has null for what is not required', () => {
    expect(checked({ company: 'Kelp', status: null, employees: null, address: null }).issues).toEqual([]);
  });

  test('gets defaults, and times in one form', () => {
    expect(checked({ company: 'Kelp', asked: '2026-11-20 11:54:56.123456+01:00' }).value).toEqual({
      company: 'Kelp',
      asked: '2026-11-20T10:54:56.123Z',
      status: 'new',
    });
  });

  test.each([
    ['2026-11-20T10:54:56.123Z', '2026-11-20T10:54:56.123Z'],
    ['2024-02-29T23:59:59.999Z', '2024-02-29T23:59:59.999Z'],
    ['2026-02-30T00:00:00.000Z', '2026-03-02T00:00:00.000Z'],
  ])('gets the time %s as %s', (asked, expected) => {
    expect(checked({ company: 'Kelp', asked }).value).toMatchObject({ asked: expected });
  });

  test.each<[string, Json, string, string]>([
    ['no object', [], '', 'expected an object, got a list'],
    ['without what is required', {}, 'company', 'required'],
    ['with null for it', { company: null }, 'company', 'required, got null'],
    ['a text that is too short', { company: 'K' }, 'company', 'expected at least 2 characters, got 1'],
    ['too long', { company: 'Kelp and Sons' }, 'company', 'expected at most 10 characters, got 13'],
    ['no address', { company: 'Kelp', contact: 'ada' }, 'contact', 'expected an e-mail address'],
    ['no URI', { company: 'Kelp', site: 'kelp' }, 'site', 'expected a URI'],
    ['no whole number', { company: 'Kelp', employees: 1.5 }, 'employees', 'expected a whole number, got a number'],
    ['a number as text', { company: 'Kelp', employees: '1' }, 'employees', 'expected a whole number, got text'],
    ['a number that is too small', { company: 'Kelp', employees: 0 }, 'employees', 'expected at least 1'],
    ['too great', { company: 'Kelp', score: 2 }, 'score', 'expected at most 1'],
    ['no truth', { company: 'Kelp', isOpen: 1 }, 'isOpen', 'expected true or false, got a whole number'],
    [
      'a list with another member',
      { company: 'Kelp', regions: ['eu', 1] },
      'regions[1]',
      'expected text, got a whole number',
    ],
    [
      'a list that is too long',
      { company: 'Kelp', regions: ['a', 'b', 'c'] },
      'regions',
      'expected at most 2 members, got 3',
    ],
    ['another value', { company: 'Kelp', status: 'lost' }, 'status', 'expected one of new, won, got another text'],
    ['no time', { company: 'Kelp', asked: 'yesterday' }, 'asked', 'expected a time such as'],
    ['a day no month has', { company: 'Kelp', asked: '2026-13-40T10:00:00Z' }, 'asked', 'expected a time such as'],
    ['nothing inside', { company: 'Kelp', address: {} }, 'address.city', 'required'],
    [
      'something else inside',
      { company: 'Kelp', address: { city: 'Paris', citi: 1 } },
      'address.citi',
      'did you mean "city"?',
    ],
    ['an unknown field', { company: 'Kelp', compny: 1 }, 'compny', 'leads has no such field; did you mean "company"?'],
  ])('is refused: %s', (_, document, path, message) => {
    const { issues } = checked(document);
    expect(issues.map((issue) => issue.path)).toEqual([path]);
    expect(issues[0]?.message).toContain(message);
  });

  test('is told at most 20 problems, and none of its values', () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`secret_${n}`, 'hunter2']));
    const { issues } = checked({ company: 'hunter2hunter2', ...many });
    expect(issues).toHaveLength(20);
    expect(JSON.stringify(issues)).not.toContain('hunter2');
  });

  test('may have further fields where the collection is open, or declares none', () => {
    expect(checked({ company: 'Kelp', more: 1 }, { ...leads, open: true }).issues).toEqual([]);
    expect(checked({ more: 1 }, {}).issues).toEqual([]);
  });
});

describe('a declaration', () => {
  test.each<[string, object, string]>([
    ['an unknown part', { feilds: {} }, 'feilds'],
    ['an unknown type', { fields: { a: { type: 'string' } } }, 'type'],
    ['a limit of another type', { fields: { a: { type: 'boolean', max: 1 } } }, 'max'],
    ['a field that is no identifier', { fields: { 'a b': { type: 'text' } } }, 'letters, digits'],
    ['a field of the record itself', { fields: { Created_At: { type: 'time' } } }, 'records have these of their own'],
    ['fields that differ in case', { fields: { a: { type: 'text' }, A: { type: 'text' } } }, 'only in case'],
    ['an index over nothing', { fields: {}, indexes: [['a']] }, '"a" is not declared'],
    ['an index over an object', { fields: { a: { type: 'object' } }, indexes: [['a']] }, 'is no single value'],
    [
      'a list among others',
      { fields: { a: { type: 'list' }, b: { type: 'text' } }, indexes: [['a', 'b']] },
      'is a list',
    ],
    ['a search of numbers', { fields: { a: { type: 'number' } }, search: ['a'] }, 'holds text'],
    ['too many fields', { fields: manyFields(limits.declaredFields + 1) }, 'at most 200 fields'],
    ['too deep', { fields: { a: nested(limits.declaredDepth) } }, 'nested at most 8 deep'],
  ])('is refused with %s', (_, declaration, message) => {
    const { error } = declarationSchema.safeParse(declaration);
    expect(JSON.stringify(error?.issues)).toContain(message.replaceAll('"', '\\"'));
  });
});

function manyFields(count: number): Declaration['fields'] {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, { type: 'text' as const }]));
}

function nested(levels: number): object {
  return levels === 0 ? { type: 'text' } : { type: 'object', fields: { a: nested(levels - 1) } };
}

describe('a declaration after another', () => {
  const including = (fields: Declaration['fields'], more: Declaration = {}): Declaration => ({
    ...leads,
    ...more,
    fields: { ...leads.fields, ...fields },
  });

  test.each<[string, Declaration]>([
    ['the same', leads],
    ['a new optional field', including({ more: { type: 'text' } })],
    ['a new required field with a default', including({ more: { type: 'text', required: true, default: '' } })],
    [
      'wider limits',
      including({ company: { type: 'text', required: true, maxLength: 20 }, score: { type: 'number' } }),
    ],
    ['another value', including({ status: { type: 'text', oneOf: ['new', 'won', 'lost'] } })],
    ['any value', including({ status: { type: 'text' } })],
    ['numbers where whole ones were', including({ employees: { type: 'number', min: 0 } })],
    ['no longer required', including({ company: { type: 'text' } })],
    ['further fields', { ...leads, open: true }],
    [
      'indexes, search, readers, time to live, retention',
      { ...leads, indexes: [['status']], search: ['company'], readers: [], ttl: 60, retention: { node: { days: 1 } } },
    ],
  ])('adds: %s', (_, after) => {
    expect(contradictions(leads, after)).toEqual([]);
  });

  const { company: _company, ...others } = leads.fields ?? {};
  test.each<[string, Declaration, string]>([
    ['a field is gone', { ...leads, fields: others }, 'company is gone'],
    ['another type', including({ score: { type: 'text' } }), 'score was number and is text'],
    ['required', including({ score: { type: 'number', required: true } }), 'score is required now'],
    ['a new required one', including({ more: { type: 'text', required: true } }), 'more is new, required'],
    [
      'shorter',
      including({ company: { type: 'text', required: true, minLength: 2, maxLength: 5 } }),
      'company may be shorter only',
    ],
    ['fewer values', including({ status: { type: 'text', oneOf: ['new'] } }), 'status may no longer be won'],
    ['a higher minimum', including({ employees: { type: 'integer', min: 5 } }), 'employees has a higher minimum'],
    [
      'another member',
      including({ regions: { type: 'list', of: { type: 'number' } } }),
      'regions[] was text and is number',
    ],
    ['less inside', including({ address: { type: 'object', fields: {} } }), 'address.city is gone'],
    ['a conflict rule', { ...leads, conflict: 'append-only' }, 'the conflict rule is another one'],
  ])('contradicts: %s', (_name, after, problem) => {
    expect(contradictions(leads, after)).toContainEqual(expect.stringContaining(problem));
  });

  test('contradicts when it closes what was open', () => {
    expect(contradictions({ ...leads, open: true }, leads)).not.toEqual([]);
  });
});

describe('a JSON Schema', () => {
  test('of a declaration declares the same again', () => {
    const { fields, open } = fieldsOfJsonSchema(jsonSchemaOf(leads));
    const { personal: _personal, ...contact } = leads.fields!['contact']!;
    expect({ fields, open }).toEqual({ fields: { ...leads.fields, contact }, open: false });
  });

  test('may have null among what a field is limited to', () => {
    const properties = { status: { type: ['string', 'null'], enum: ['new', null] } };
    expect(fieldsOfJsonSchema({ type: 'object', properties }).fields).toEqual({
      status: { type: 'text', oneOf: ['new'] },
    });
  });

  test.each<[Json, string]>([
    [{ type: 'string' }, 'schema.type: documents are objects'],
    [
      { type: 'object', properties: { a: { pattern: 'x' } } },
      'schema.properties.a.pattern: a declaration has nothing like',
    ],
    [{ type: 'object', properties: { a: { type: ['string', 'number'] } } }, 'schema.properties.a.type: one of string'],
    [{ type: 'object', properties: { a: { type: 'object', properties: {} } } }, 'additionalProperties: false'],
    [{ type: 'object', properties: { a: { enum: [1] } } }, 'schema.properties.a.enum: a list of texts'],
    [true, 'schema.type: documents are objects'],
    [{ type: 'object', properties: {}, required: ['a'] }, 'does not have all that are required'],
  ])('%j is refused', (schema, message) => {
    expect(() => fieldsOfJsonSchema(schema)).toThrow(message);
  });
});

describe('declarations that differ', () => {
  const one: Collection = {
    name: 'leads',
    fields: { a: { type: 'text' }, b: { type: 'number' }, c: { type: 'text', personal: true } },
    indexes: [['a'], ['b']],
    readers: ['viewer', 'operator'],
  };
  const other: Collection = {
    name: 'leads',
    fields: { b: { type: 'text' }, c: { type: 'text' }, d: { type: 'list' } },
    indexes: [['b'], ['d'], ['c']],
    search: ['c'],
    readers: ['operator'],
  };

  test('give what documents of both fit, and who may read what each allows', () => {
    expect(unionOf([one, other])).toMatchObject({
      fields: { a: { type: 'text' }, b: { type: 'json' }, c: { type: 'text', personal: true }, d: { type: 'list' } },
      open: false,
      indexes: [['a'], ['d'], ['c']],
      search: ['c'],
      readers: ['operator'],
    });
  });
});

describe('retention', () => {
  const united = (...retentions: readonly (Declaration['retention'] | undefined)[]): Declaration['retention'] => {
    const [first, ...others] = retentions.map((retention): Collection => ({
      name: 'leads',
      ...(retention && { retention }),
    }));
    return unionOf([first ?? { name: 'leads' }, ...others]).retention;
  };

  test('of several declarations keeps what one of them keeps', () => {
    expect(
      united({ relay: { days: 30, records: 10 } }, { relay: { days: 60, records: 5 }, node: { days: 1 } }),
    ).toEqual({
      relay: { days: 60, records: 10 },
    });
    expect(united({ relay: { days: 30 } }, { relay: { records: 5 } })).toBeUndefined();
    expect(united({ relay: { days: 30 } }, undefined)).toBeUndefined();
    expect(united({ node: { days: 2 } }, { node: { days: 1 } })).toEqual({ node: { days: 2 } });
  });

  test.each([
    [{ nodes: { days: 1 } }, 'did you mean "node"?'],
    [{ node: { day: 1 } }, 'did you mean "days"?'],
    [{ node: { days: 0 } }, '>=1'],
    [{ relay: { records: 1.5 } }, 'int'],
  ])('%j is refused', (retention, message) => {
    expect(declarationSchema.safeParse({ retention }).error?.message).toContain(message.replaceAll('"', '\\"'));
  });
});

test('built-in collections are found by name', () => {
  expect(builtInCollection('messages')?.search).toEqual(['content']);
  expect(builtInCollection('leads')).toBeUndefined();
});
