import { HoldfastError, type Issue } from '../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../document.ts';
import type { BuiltInCollection, Collection, Declaration } from './declaration.ts';
import { type Field, type FieldOf, type Fields, fieldSchema, type FieldType, type TextFormat } from './field.ts';

/** Keywords that say nothing about which documents fit. */
const IGNORED: ReadonlySet<string> = new Set(['$schema', '$id', '$comment', 'title', 'examples']);

type Keywords = { readonly [keyword: string]: (value: Json, at: Place, schema: JsonObject) => Partial<Draft> };

/** A field as far as it is known. */
type Draft = { -readonly [Key in KeysOf<Field>]?: unknown };
type KeysOf<T> = T extends unknown ? keyof T : never;

/** Where in the schema, and what cannot be taken of it. */
interface Place {
  readonly path: string;
  readonly refuse: (path: string, message: string) => void;
}

/**
 * The fields that a JSON Schema (draft 2020-12) of an object declares. Takes `type`, `properties`, `required`,
 * `additionalProperties`, `items`, `enum` of texts, limits of length, size and value, the formats `date-time`, `email` and `uri`,
 * `default` and `description`. Throws `invalid-request` that names every keyword that has no counterpart in a declaration.
 */
export function fieldsOfJsonSchema(schema: Json): Pick<Declaration, 'fields' | 'open'> {
  const issues: Issue[] = [];
  const at: Place = { path: 'schema', refuse: (path, message) => issues.push({ path, message }) };
  const { fields = {} } = draftOf(schema, at);
  if (!isJsonObject(schema) || schema['type'] !== 'object') at.refuse('schema.type', 'documents are objects');
  const [first] = issues;
  if (first !== undefined) throw new HoldfastError('invalid-request', `${first.path}: ${first.message}`, { issues });
  const isOpen = isJsonObject(schema) && schema['additionalProperties'] !== false;
  return { fields: fields as Fields, open: isOpen };
}

const typesByName: Readonly<Record<string, FieldType>> = {
  string: 'text',
  number: 'number',
  integer: 'integer',
  boolean: 'boolean',
  array: 'list',
  object: 'object',
};

const formatsByName: Readonly<Record<string, Partial<Draft>>> = {
  'date-time': { type: 'time' },
  email: { format: 'email' },
  uri: { format: 'uri' },
};

const keywords: Keywords = {
  type: (value, { path, refuse }) => {
    const [name, ...others] = (Array.isArray(value) ? (value as readonly Json[]) : [value]).filter(
      (one) => one !== 'null',
    );
    const type = typeof name === 'string' && others.length === 0 ? typesByName[name] : undefined;
    if (type === undefined) refuse(path, `one of ${Object.keys(typesByName).join(', ')}, perhaps with "null"`);
    return { type };
  },
  properties: (value, at, { required }) => ({ fields: fieldsOf(value, required ?? [], at) }),
  // Taken with the properties it names.
  required: () => ({}),
  additionalProperties: (value, { path, refuse }) => {
    if (typeof value !== 'boolean') refuse(path, 'true or false');
    return {};
  },
  items: (value, at) => ({ of: fieldOf(value, at) }),
  enum: (value, { path, refuse }) => {
    const oneOf = Array.isArray(value) ? value.filter((one) => one !== null) : [null];
    if (!oneOf.every((one) => typeof one === 'string')) refuse(path, 'a list of texts, perhaps with null');
    return { type: 'text', oneOf };
  },
  format: (value, { path, refuse }) => {
    const found = typeof value === 'string' ? formatsByName[value] : undefined;
    if (found === undefined) refuse(path, `one of ${Object.keys(formatsByName).join(', ')}`);
    return found ?? {};
  },
  minLength: (value) => ({ minLength: value }),
  maxLength: (value) => ({ maxLength: value }),
  minimum: (value) => ({ min: value }),
  maximum: (value) => ({ max: value }),
  maxItems: (value) => ({ maxItems: value }),
  default: (value) => ({ default: value }),
  description: (value) => ({ help: value }),
};

function draftOf(schema: Json, at: Place): Partial<Draft> {
  if (schema === true) return { type: 'json' };
  if (!isJsonObject(schema)) {
    at.refuse(at.path, 'expected a schema: an object');
    return {};
  }
  const drafts = Object.entries(schema).flatMap(([name, value]) => {
    if (IGNORED.has(name)) return [];
    const path = `${at.path}.${name}`;
    const keyword = Object.hasOwn(keywords, name) ? keywords[name] : undefined;
    if (keyword === undefined) at.refuse(path, 'a declaration has nothing like this keyword');
    return keyword === undefined ? [] : [keyword(value, { ...at, path }, schema)];
  });
  return Object.assign({}, { type: 'json' }, ...drafts) as Partial<Draft>;
}

function fieldOf(schema: Json, at: Place): Field {
  const draft = draftOf(schema, at);
  const isOpen = isJsonObject(schema) && schema['additionalProperties'] !== false;
  if (draft.type === 'object' && draft.fields !== undefined && isOpen)
    at.refuse(`${at.path}.additionalProperties`, 'false: an object inside a document has its declared fields only');
  const parsed = fieldSchema.safeParse(draft);
  if (!parsed.success) at.refuse(at.path, parsed.error.issues[0]?.message ?? 'not a field');
  return parsed.data ?? { type: 'json' };
}

function fieldsOf(properties: Json, required: Json, { path, refuse }: Place): Fields {
  if (!isJsonObject(properties) || !Array.isArray(required)) {
    refuse(path, 'expected an object, beside a list of those that are required');
    return {};
  }
  const names = required as readonly Json[];
  for (const name of names)
    if (typeof name !== 'string' || !Object.hasOwn(properties, name))
      refuse(path, 'does not have all that are required');
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => {
      const field = fieldOf(schema, { path: `${path}.${name}`, refuse });
      return [name, names.includes(name) ? { ...field, required: true } : field];
    }),
  );
}

/** What the JSON Schema of a collection's documents is made from. */
type Described = Pick<Collection | BuiltInCollection, 'document' | 'fields' | 'open' | 'help' | 'example'>;

/** The JSON Schema (draft 2020-12) of a collection's documents as they are stored, with its help and its example. */
export function jsonSchemaOf({ document = 'object', fields, open, help, example }: Described): JsonObject {
  return {
    ...(document === 'object' && objectSchema(fields ?? {}, fields === undefined || open === true)),
    ...(help !== undefined && { description: help }),
    ...(example !== undefined && { examples: [example.document] }),
  };
}

function objectSchema(fields: Fields, isOpen: boolean): JsonObject {
  const required = Object.keys(fields).filter((name) => fields[name]?.required === true);
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, schemaOf(field)])),
    ...(required.length > 0 && { required }),
    additionalProperties: isOpen,
  };
}

function schemaOf(field: Field): JsonObject {
  const { help, default: fallback } = field;
  return {
    ...orNull(schemasByType[field.type](field as never), field.required === true),
    ...(help !== undefined && { description: help }),
    ...(fallback !== undefined && { default: fallback as Json }),
  };
}

/** What is not required may be null. */
function orNull(schema: JsonObject, isRequired: boolean): JsonObject {
  const { type, enum: values } = schema;
  if (isRequired || type === undefined) return schema;
  return { ...schema, type: [type, 'null'], ...(Array.isArray(values) && { enum: [...(values as Json[]), null] }) };
}

const schemasByType: { readonly [Type in FieldType]: (field: FieldOf<Type>) => JsonObject } = {
  text: ({ minLength, maxLength, oneOf, format }) =>
    given({ type: 'string', minLength, maxLength, enum: oneOf, format: format satisfies TextFormat | undefined }),
  number: ({ min, max }) => given({ type: 'number', minimum: min, maximum: max }),
  integer: ({ min, max }) => given({ type: 'integer', minimum: min, maximum: max }),
  boolean: () => ({ type: 'boolean' }),
  time: () => ({ type: 'string', format: 'date-time' }),
  json: () => ({}),
  list: ({ of, maxItems }) => given({ type: 'array', items: of && schemaOf(of), maxItems }),
  object: ({ fields }) => (fields === undefined ? { type: 'object' } : objectSchema(fields, false)),
};

function given(keywordsOrNot: { readonly [keyword: string]: Json | undefined }): JsonObject {
  return Object.fromEntries(
    Object.entries(keywordsOrNot).filter((entry): entry is [string, Json] => entry[1] !== undefined),
  );
}
