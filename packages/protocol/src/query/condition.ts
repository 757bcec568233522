import { z } from 'zod';

import { limits } from '../limits.ts';
import { namedKeys } from './unknown-name.ts';

const text = z.string().max(10_000);

/** A value that can be compared. */
export const scalar = z.union([text, z.number(), z.boolean(), z.null()]);

/** A value that can be compared. */
export type Scalar = z.infer<typeof scalar>;

const ordered = z.union([text, z.number()]);

const list = z.array(scalar).max(limits.queryListValues);

const comparisons = {
  eq: scalar,
  ne: scalar,
  gt: ordered,
  gte: ordered,
  lt: ordered,
  lte: ordered,
  in: list.meta({ description: 'One of these' }),
  nin: list.meta({ description: 'None of these' }),
  exists: z.boolean(),
  prefix: text.meta({ description: 'A text that begins with this' }),
  contains: scalar.meta({ description: 'A text that has this text in it, or a list that has this value' }),
  hasAll: list.meta({ description: 'A list that has all of these' }),
  hasAny: list.meta({ description: 'A list that has one of these' }),
};

/**
 * Comparisons of one field; several hold together. Values of another type than the field's never match: there is no
 * conversion. A field that is missing equals null.
 */
export const conditionSchema = z.strictObject(comparisons, namedKeys('comparison', Object.keys(comparisons))).partial();

/** Comparisons of one field. */
export type Condition = z.infer<typeof conditionSchema>;

/** A comparison's name. */
export type Operator = keyof Condition;

/** The comparisons there are. */
export const operators: readonly Operator[] = Object.freeze(Object.keys(conditionSchema.shape) as Operator[]);
