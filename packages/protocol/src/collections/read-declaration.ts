import { isJsonObject, type Json } from '../document.ts';
import { HoldfastError, invalidRequest } from '../errors.ts';
import { COLLECTION_PATTERN, COLLECTION_RULE } from '../names.ts';
import { documentCheck } from './check.ts';
import { type Declaration, declarationSchema } from './declaration.ts';
import { contradictions } from './evolution.ts';
import { builtInCollection } from './index.ts';
import { fieldsOfJsonSchema } from './json-schema.ts';

/**
 * The declaration in a document that somebody wants to store: `schema`, a JSON Schema, may stand in the place of
 * `fields`. Throws `invalid-request`, and `declaration-conflict` for a collection that ships with Holdfast.
 */
export function readDeclaration(name: string, value: Json): Declaration {
  if (!COLLECTION_PATTERN.test(name)) throw misnamed(name);
  if (builtInCollection(name) !== undefined) {
    throw new HoldfastError('declaration-conflict', `"${name}" ships with Holdfast and has its declaration`);
  }
  const parsed = declarationSchema.safeParse(withFields(value));
  if (!parsed.success) throw invalidRequest(`"${name}"`, parsed.error);
  assertExampleFits(name, parsed.data);
  return parsed.data;
}

/** The declaration in a stored document; undefined when it is none this version understands. */
export function storedDeclaration(value: Json): Declaration | undefined {
  const parsed = declarationSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

/** Throws `declaration-conflict` unless documents under the one before fit the new one. */
export function assertSuccessor(before: Declaration & { readonly name: string }, after: Declaration): void {
  const problems = contradictions(before, after);
  const [first] = problems;
  if (first === undefined) return;
  const issues = problems.map((message) => ({ path: before.name, message }));
  throw new HoldfastError('declaration-conflict', `"${before.name}": ${first}`, { issues });
}

function withFields(value: Json): Json {
  if (!isJsonObject(value) || !Object.hasOwn(value, 'schema')) return value;
  const { schema, ...rest } = value;
  if (Object.hasOwn(rest, 'fields')) {
    const message = 'either fields or a JSON Schema, not both';
    throw new HoldfastError('invalid-request', `schema: ${message}`, { issues: [{ path: 'schema', message }] });
  }
  return { ...rest, ...(fieldsOfJsonSchema(schema as Json) as { readonly [key: string]: Json }) };
}

function assertExampleFits(name: string, { example, ...declaration }: Declaration): void {
  if (example === undefined) return;
  const [issue] = documentCheck({ ...declaration, name })(example.document).issues;
  if (issue === undefined) return;
  const path = `example.document.${issue.path}`;
  throw new HoldfastError('invalid-request', `${path}: ${issue.message}`, { issues: [{ ...issue, path }] });
}

function misnamed(name: string): HoldfastError {
  const issues = [{ path: 'name', message: COLLECTION_RULE }];
  return new HoldfastError('invalid-request', `"${name}": ${COLLECTION_RULE}`, { issues });
}
