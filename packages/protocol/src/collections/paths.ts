import type { Field, Fields } from './field.ts';

/** A declared field and where it stands. */
export interface FlatField {
  /** With dots: `address.city`. */
  readonly path: string;
  readonly field: Field;
  /** 1 for a field of the document itself; members of a list stand one deeper than the list. */
  readonly depth: number;
}

/** The field at a path; undefined if none is declared there. Members of lists have no path. */
export function fieldAt(fields: Fields, path: string): Field | undefined {
  const [first = '', ...rest] = path.split('.');
  const field = Object.hasOwn(fields, first) ? fields[first] : undefined;
  if (rest.length === 0) return field;
  return field?.type === 'object' && field.fields !== undefined ? fieldAt(field.fields, rest.join('.')) : undefined;
}

/** All declared fields, the nested ones and the members of lists too. */
export function flatFields(fields: Fields, before = '', depth = 1): FlatField[] {
  return Object.entries(fields).flatMap(([name, field]) => withNested({ path: before + name, field, depth }));
}

function withNested(flat: FlatField): FlatField[] {
  const { path, field, depth } = flat;
  if (field.type === 'object') return [flat, ...flatFields(field.fields ?? {}, `${path}.`, depth + 1)];
  if (field.type === 'list' && field.of !== undefined)
    return [flat, ...withNested({ path: `${path}[]`, field: field.of, depth: depth + 1 })];
  return [flat];
}
