import type { FieldDeclaration, Operator, Scalar } from '@holdfast/protocol';

import { invalid } from './field.ts';

type Operand = Scalar | readonly Scalar[];
type TypeName = 'text' | 'number' | 'true or false';

/** What values of a declared type are compared with; undefined: with anything. */
const comparedWith: Readonly<Record<FieldDeclaration['type'], TypeName | undefined>> = {
  text: 'text',
  time: 'text',
  number: 'number',
  integer: 'number',
  boolean: 'true or false',
  list: undefined,
  object: undefined,
  json: undefined,
};

const ofLists: ReadonlySet<Operator> = new Set(['hasAll', 'hasAny']);

/**
 * A comparison that could hold for no value of a declared field is a mistake, not an empty answer. Throws
 * `invalid-request`, which does not repeat the value.
 */
export function assertComparable(
  name: string,
  declared: FieldDeclaration | undefined,
  operator: Operator,
  operand: Operand,
): void {
  if (declared === undefined || operator === 'exists') return;
  const isList = declared.type === 'list';
  if (ofLists.has(operator) && !isList && declared.type !== 'json') throw invalid(name, `is ${declared.type}, no list`);
  const wanted = isList ? declared.of && comparedWith[declared.of.type] : comparedWith[declared.type];
  if (wanted === undefined) return;
  for (const value of Array.isArray(operand) ? (operand as readonly Scalar[]) : [operand as Scalar]) {
    const given = typeName(value);
    if (given !== undefined && given !== wanted) throw invalid(name, `is compared with ${wanted}, not with ${given}`);
  }
}

function typeName(value: Scalar): TypeName | undefined {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number') return 'number';
  return typeof value === 'boolean' ? 'true or false' : undefined;
}
