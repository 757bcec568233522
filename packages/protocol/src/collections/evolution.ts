import type { Declaration } from './declaration.ts';
import type { Field, FieldOf, Fields, FieldType } from './field.ts';

/**
 * What makes a declaration contradict the one before it, so that documents written under that one might not fit any
 * more; empty: it only adds. New optional fields, wider limits, other indexes, searched fields, times to live, retention and
 * readers add.
 */
export function contradictions(before: Declaration, after: Declaration): string[] {
  const problems = fieldsProblems(before.fields ?? {}, after.fields ?? {}, '');
  const wasOpen = before.fields === undefined || before.open === true;
  const isOpen = after.fields === undefined || after.open === true;
  if (wasOpen && !isOpen) problems.push('documents may hold further fields, and then no more');
  if ((before.conflict ?? 'owned') !== (after.conflict ?? 'owned')) problems.push('the conflict rule is another one');
  return problems;
}

function fieldsProblems(before: Fields, after: Fields, prefix: string): string[] {
  const kept = Object.entries(before).flatMap(([name, field]) => {
    const path = prefix + name;
    const now = after[name];
    return now === undefined ? [`${path} is gone`] : fieldProblems(field, now, path);
  });
  const added = Object.entries(after).filter(([name]) => before[name] === undefined);
  return [
    ...kept,
    ...added
      .filter(([, field]) => field.required === true && field.default === undefined)
      .map(([name]) => `${prefix}${name} is new, required and without a default`),
  ];
}

function fieldProblems(before: Field, after: Field, path: string): string[] {
  if (before.type !== after.type && !(before.type === 'integer' && after.type === 'number'))
    return [`${path} was ${before.type} and is ${after.type}`];
  const problems = narrowings[before.type](before as never, after as never, path);
  const isRequired = after.required === true && after.default === undefined;
  return before.required !== true && isRequired ? [`${path} is required now`, ...problems] : problems;
}

type Narrowings<Type extends FieldType> = (before: FieldOf<Type>, after: FieldOf<Type>, path: string) => string[];

const narrowings: { readonly [Type in FieldType]: Narrowings<Type> } = {
  text: (before, after, path) => [
    ...isLower(after.maxLength, before.maxLength, `${path} may be shorter only`),
    ...isLower(before.minLength ?? 0, after.minLength ?? 0, `${path} must be longer`),
    ...isSmaller(before.oneOf, after.oneOf, path),
    ...(after.format !== undefined && after.format !== before.format ? [`${path} has another format`] : []),
  ],
  number: numberNarrowings,
  integer: numberNarrowings,
  boolean: () => [],
  time: () => [],
  json: () => [],
  list: (before, after, path) => [
    ...isLower(after.maxItems, before.maxItems, `${path} may have fewer members only`),
    ...memberProblems(before.of, after.of, path),
  ],
  object: (before, after, path) => {
    if (after.fields === undefined) return [];
    return before.fields === undefined
      ? [`${path} held any object`]
      : fieldsProblems(before.fields, after.fields, `${path}.`);
  },
};

function numberNarrowings(
  before: FieldOf<'number' | 'integer'>,
  after: FieldOf<'number' | 'integer'>,
  path: string,
): string[] {
  return [
    ...isLower(after.max, before.max, `${path} has a lower maximum`),
    ...isLower(before.min ?? -Infinity, after.min ?? -Infinity, `${path} has a higher minimum`),
  ];
}

function memberProblems(before: Field | undefined, after: Field | undefined, path: string): string[] {
  if (after === undefined) return [];
  return before === undefined ? [`${path} held anything`] : fieldProblems(before, after, `${path}[]`);
}

function isLower(limit = Infinity, than = Infinity, problem = ''): string[] {
  return limit < than ? [problem] : [];
}

function isSmaller(
  before: readonly string[] | undefined,
  after: readonly string[] | undefined,
  path: string,
): string[] {
  if (after === undefined) return [];
  const missing = before?.filter((value) => !after.includes(value));
  if (missing === undefined) return [`${path} held any text`];
  return missing.length === 0 ? [] : [`${path} may no longer be ${missing.join(', ')}`];
}
