import { z } from 'zod';

import { limits } from '../limits.ts';
import { metadataFields, ownerFields } from '../query/field.ts';
import { connectives } from '../query/filter.ts';

const RESERVED: ReadonlySet<string> = new Set([...metadataFields, ...ownerFields, ...connectives, 'doc']);

/**
 * A declared field's name: an identifier, so that it can stand in SQL and become a column; not one of the record's own
 * fields, and none of the words that put filters together.
 */
const fieldName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,62}$/, {
    error: 'a declared field has 1 to 63 letters, digits and "_", and begins with a letter',
  })
  .refine((name) => !RESERVED.has(name.toLowerCase()), {
    error: `a field cannot be called one of ${[...RESERVED].join(', ')}: records have these of their own`,
  })
  .meta({ description: 'Name of a field', example: 'experience_years' });

interface FieldCommon {
  /** One line for people. */
  readonly help?: string | undefined;
  /** Whether every document has it. Default false. */
  readonly required?: boolean | undefined;
  /** Whether it is about a person: it is masked for viewers, and stands in no log. Default false. */
  readonly personal?: boolean | undefined;
  /** What is written where a document does not have it. Default: nothing. */
  readonly default?: unknown;
}

interface TextField extends FieldCommon {
  readonly type: 'text';
  /** In UTF-16 code units. */
  readonly minLength?: number | undefined;
  readonly maxLength?: number | undefined;
  /** The only values there are. */
  readonly oneOf?: readonly string[] | undefined;
  readonly format?: TextFormat | undefined;
}

interface NumberField extends FieldCommon {
  /** `integer`: a whole number between ±(2^53 − 1). */
  readonly type: 'number' | 'integer';
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

interface PlainField extends FieldCommon {
  /** `time`: RFC 3339, written down in UTC with milliseconds, so that times sort as texts. `json`: anything. */
  readonly type: 'boolean' | 'time' | 'json';
}

interface ListField extends FieldCommon {
  readonly type: 'list';
  /** What its members are. Default: anything. */
  readonly of?: Field | undefined;
  readonly maxItems?: number | undefined;
}

interface ObjectField extends FieldCommon {
  readonly type: 'object';
  /** Default: any object. */
  readonly fields?: Fields | undefined;
}

/** What a field of a document may hold. */
export type Field = TextField | NumberField | PlainField | ListField | ObjectField;

/** The fields of an object, by name. */
export type Fields = { readonly [name: string]: Field };

/** A field's type. */
export type FieldType = Field['type'];

/** The field of a type. */
export type FieldOf<Type extends FieldType> = Field & { readonly type: Type };

const textFormats = ['email', 'uri'] as const;

/** What a text is to look like. */
export type TextFormat = (typeof textFormats)[number];

const common = {
  help: z.string().max(limits.helpLength).optional(),
  required: z.boolean().optional(),
  personal: z.boolean().optional().meta({ description: 'About a person: masked for viewers, in no log' }),
  default: z.json().optional().meta({ description: 'Written where a document does not have the field' }),
};

const length = z.number().int().min(0).max(limits.recordBytes).optional();

/** What a field of a document may hold. */
export const fieldSchema: z.ZodType<Field> = z.lazy(() =>
  z.discriminatedUnion('type', [
    z.strictObject({
      ...common,
      type: z.literal('text'),
      minLength: length,
      maxLength: length,
      oneOf: z.array(z.string().max(limits.idLength)).min(1).max(limits.fieldValues).optional(),
      format: z.enum(textFormats).optional(),
    }),
    z.strictObject({
      ...common,
      type: z.enum(['number', 'integer']),
      min: z.number().optional(),
      max: z.number().optional(),
    }),
    z.strictObject({ ...common, type: z.enum(['boolean', 'time', 'json']) }),
    z.strictObject({ ...common, type: z.literal('list'), of: fieldSchema.optional(), maxItems: length }),
    z.strictObject({ ...common, type: z.literal('object'), fields: fieldsSchema.optional() }),
  ]),
);

/** The fields of an object, by name. Names that differ only in case are one name in SQL. */
export const fieldsSchema: z.ZodType<Fields> = z
  .record(fieldName, fieldSchema)
  .refine((fields) => areDifferent(Object.keys(fields).map((name) => name.toLowerCase())), {
    error: 'two fields differ only in case',
  });

function areDifferent(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}
