import { z } from 'zod';

import type { Json } from '../document.ts';
import { limits } from '../limits.ts';
import { recordId } from '../names.ts';
import { ttlSeconds } from '../operations.ts';
import { type Field, type Fields, fieldsSchema } from './field.ts';
import { fieldAt, flatFields } from './paths.ts';
import { retentionSchema } from './retention.ts';

/** What a collection's documents are: JSON objects, or any JSON value at all. */
export type DocumentKind = 'object' | 'any';

const path = z
  .string()
  .max(limits.idLength)
  .meta({ description: 'A declared field, nested ones with dots', example: 'address.city' });

const readers = ['viewer', 'operator'] as const;

const parts = z.strictObject({
  help: z.string().max(limits.helpLength).optional().meta({ description: 'One line for people' }),
  fields: fieldsSchema.optional().meta({ description: 'What documents hold' }),
  open: z.boolean().optional().meta({ description: 'Whether documents may hold further fields. Default false' }),
  indexes: z
    .array(z.array(path).min(1).max(limits.indexFields))
    .max(limits.declaredIndexes)
    .optional()
    .meta({ description: 'Fields to find records by, each a list: equal ones first. One on a list finds its members' }),
  search: z
    .array(path)
    .max(limits.searchedFields)
    .optional()
    .meta({ description: 'Fields whose text can be searched' }),
  conflict: z.enum(['owned', 'append-only', 'shared']).optional().meta({
    description:
      'Who may change a record: its agent (`owned`, the default); nobody, once it is written; every agent of the network, of whose writes the last one counts (`shared`)',
  }),
  ttl: ttlSeconds.optional().meta({ description: 'Seconds a record lives unless a write says otherwise' }),
  retention: retentionSchema.optional().meta({ description: 'How long records are kept. Default for ever' }),
  readers: z
    .array(z.enum(readers))
    .optional()
    .meta({ description: 'Who may read the collection on the relay beside admins. Default viewers and operators' }),
  example: z
    .strictObject({ id: recordId, document: z.record(z.string(), z.json()) })
    .optional()
    .meta({ description: 'A record as it might really stand there' }),
});

type Parts = z.infer<typeof parts>;

/** What is declared of a collection: what its documents hold, how they are found, who may change and read them. */
export interface Declaration extends Omit<Parts, 'indexes' | 'search' | 'readers'> {
  readonly indexes?: readonly (readonly string[])[] | undefined;
  readonly search?: readonly string[] | undefined;
  readonly readers?: readonly (typeof readers)[number][] | undefined;
}

/** What is declared of a collection. Every path in it names a field that is declared. */
export const declarationSchema: z.ZodType<Declaration> = parts.superRefine((declaration, context) => {
  const { fields = {}, indexes = [], search = [] } = declaration;
  const refuse = (at: readonly (string | number)[], message: string): void =>
    context.addIssue({ code: 'custom', path: [...at], message });
  const flat = flatFields(fields);
  if (flat.length > limits.declaredFields) refuse(['fields'], `at most ${limits.declaredFields} fields`);
  if (flat.some(({ depth }) => depth > limits.declaredDepth))
    refuse(['fields'], `nested at most ${limits.declaredDepth} deep`);
  for (const [index, paths] of indexes.entries())
    for (const [at, name] of paths.entries()) {
      const problem = indexProblem(fieldAt(fields, name), paths.length);
      if (problem !== undefined) refuse(['indexes', index, at], `"${name}" ${problem}`);
    }
  for (const [at, name] of search.entries())
    if (!isSearchable(fieldAt(fields, name))) refuse(['search', at], `"${name}" is no declared field that holds text`);
});

/** A collection: its name and what is declared of it. */
export interface Collection extends Declaration {
  readonly name: string;
  /** Default `object`. Only collections that ship with Holdfast hold anything else. */
  readonly document?: DocumentKind | undefined;
  /**
   * The call that alone writes its records: those that write any collection answer `collection-guarded`. Default: none. Only collections
   * that ship with Holdfast have one.
   */
  readonly writtenBy?: string | undefined;
}

/** A collection that ships with Holdfast. */
export interface BuiltInCollection extends Omit<Collection, 'example'> {
  readonly help: string;
  /** The generated round-trip test writes and reads it. */
  readonly example: { readonly id: string; readonly document: Json };
}

/** Whether an index on a field finds the members of a list. */
export function isMemberIndex(fields: Fields, paths: readonly string[]): boolean {
  return paths.length === 1 && fieldAt(fields, paths[0] ?? '')?.type === 'list';
}

function indexProblem(field: Field | undefined, length: number): string | undefined {
  if (field === undefined) return 'is not declared';
  if (field.type === 'list') return length === 1 ? undefined : 'is a list: its index has no other field';
  return field.type === 'object' || field.type === 'json' ? 'is no single value' : undefined;
}

function isSearchable(field: Field | undefined): boolean {
  return field !== undefined && ['text', 'list', 'object', 'json'].includes(field.type);
}
