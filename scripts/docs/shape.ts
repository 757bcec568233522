/** What of JSON Schema (2020-12) the pages show. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly $ref?: string;
}

/** One named part of an object, ready to print. */
export interface Field {
  readonly name: string;
  readonly shape: string;
  readonly isRequired: boolean;
  readonly description: string;
}

/** A schema in one line, in TypeScript's manner, with `…` for what lies deeper than `depth`. */
export function shapeOf(schema: Schema, depth = 3): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return [...new Set(choices.map((choice) => shapeOf(choice, depth)))].join(' | ');
  if (schema.type === 'array') return arrayShape(schema, depth);
  if (schema.type === 'object') return objectShape(schema, depth);
  return schema.type ?? 'any JSON';
}

/** The fields of an object's schema; empty for anything else. */
export function fieldsOf(schema: Schema): readonly Field[] {
  return Object.entries(schema.properties ?? {}).map(([name, field]) => ({
    name,
    shape: shapeOf(field),
    isRequired: schema.required?.includes(name) ?? false,
    description: describe(field),
  }));
}

function arrayShape({ items }: Schema, depth: number): string {
  if (items === undefined || depth === 0) return '[…]';
  const shape = shapeOf(items, depth - 1);
  return shape.includes(' | ') ? `(${shape})[]` : `${shape}[]`;
}

function objectShape(schema: Schema, depth: number): string {
  if (depth === 0) return '{…}';
  const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => {
    return `${name}${schema.required?.includes(name) ? '' : '?'}: ${shapeOf(field, depth - 1)}`;
  });
  if (fields.length > 0) return `{ ${fields.join(', ')} }`;
  const rest = schema.additionalProperties;
  return typeof rest === 'object' ? `{ [name]: ${shapeOf(rest, depth - 1)} }` : '{…}';
}

function describe({ description = '', minimum, maximum }: Schema): string {
  const bounds = [minimum, maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum];
  if (bounds.every((bound) => bound === undefined)) return description;
  const range = bounds[1] === undefined ? `at least ${bounds[0]}` : `${bounds[0] ?? '…'} to ${bounds[1]}`;
  return description === '' ? range : `${description} (${range})`;
}
