import { NOTHING } from '../wording.ts';

/** A value of a document in a table; documents may hold anything, whatever their type says. */
export function cell(value: unknown): string {
  if (value === undefined || value === null) return NOTHING;
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.map(cell).join(', ') : JSON.stringify(value);
}
