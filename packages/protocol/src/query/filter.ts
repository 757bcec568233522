import { z } from 'zod';

import { limits } from '../limits.ts';
import { type Condition, conditionSchema, scalar, type Scalar } from './condition.ts';
import { didYouMean } from '../nearest.ts';
import { fieldPath } from './field.ts';

/** The words that put filters together. */
export const connectives = ['and', 'or', 'not'] as const;

/** How filters are put together: all of them hold, one does, none does. */
export type Connective = (typeof connectives)[number];

/**
 * Which records: each field to a value or to comparisons, and lists of filters under `and`, `or` and `not`; all must hold. A
 * document field of one of these three names is reached as `doc.and`.
 */
export interface Filter {
  readonly [field: string]: Scalar | Condition | readonly Filter[] | undefined;
  readonly and?: readonly Filter[] | undefined;
  readonly or?: readonly Filter[] | undefined;
  readonly not?: readonly Filter[] | undefined;
}

/** One thing a filter asks for. */
export type FilterPart =
  | { readonly kind: Connective; readonly filters: readonly Filter[] }
  | { readonly kind: 'field'; readonly name: string; readonly condition: Condition };

/** What a filter asks for, part by part; all must hold. */
export function filterParts(filter: Filter): FilterPart[] {
  return Object.entries(filter).flatMap(([name, wanted]): FilterPart[] => {
    if (wanted === undefined) return [];
    const kind = connectives.find((connective) => connective === name);
    if (kind !== undefined) return [{ kind, filters: wanted as readonly Filter[] }];
    const isCondition = typeof wanted === 'object' && wanted !== null;
    return [{ kind: 'field', name, condition: isCondition ? (wanted as Condition) : { eq: wanted } }];
  });
}

const tree: z.ZodType<Filter> = z.lazy(() =>
  z
    .object({ and: z.array(tree), or: z.array(tree), not: z.array(tree) })
    .partial()
    .catchall(z.union([scalar, conditionSchema], { error: aboutList }))
    .superRefine((filter, context) => {
      for (const name of Object.keys(filter)) {
        const { error } = fieldPath.safeParse(name);
        if (error !== undefined)
          context.addIssue({ code: 'custom', path: [name], message: error.issues[0]?.message ?? '' });
      }
    }),
);

// Where a list stands, filters were meant to be put together, or values to be compared with.
function aboutList({
  input,
  path,
}: {
  readonly input?: unknown;
  readonly path?: readonly PropertyKey[] | undefined;
}): string | undefined {
  if (!Array.isArray(input)) return undefined;
  const near = didYouMean(String(path?.at(-1)), connectives);
  return `lists of filters stand under ${connectives.join(', ')}; a field is compared with many values by in, nin, hasAll, hasAny${near}`;
}

/** Which records. At most `limits.queryConditions` fields over the whole of it, nested `limits.queryDepth` deep. */
export const filterSchema: z.ZodType<Filter> = tree.superRefine((filter, context) => {
  const { fields, depth } = sizeOf(filter);
  if (fields > limits.queryConditions)
    context.addIssue({ code: 'custom', message: `at most ${limits.queryConditions} fields` });
  if (depth > limits.queryDepth)
    context.addIssue({ code: 'custom', message: `nested at most ${limits.queryDepth} deep` });
});

interface Size {
  readonly fields: number;
  readonly depth: number;
}

function sizeOf(filter: Filter): Size {
  const sizes = filterParts(filter).map((part): Size => {
    if (part.kind === 'field') return { fields: 1, depth: 0 };
    return sumOf(part.filters.map(sizeOf));
  });
  const { fields, depth } = sumOf(sizes);
  return { fields, depth: depth + 1 };
}

function sumOf(sizes: readonly Size[]): Size {
  return {
    fields: sizes.reduce((sum, { fields }) => sum + fields, 0),
    depth: Math.max(0, ...sizes.map(({ depth }) => depth)),
  };
}
