import { COLLECTION_PATTERN } from '@holdfast/protocol';

/** A piece of SQL with the values bound to its question marks, in order. Values never become text. */
export interface Sql {
  readonly text: string;
  readonly params: readonly SqlValue[];
}

/** What can be bound. */
export type SqlValue = string | number | null;

/** SQL of fixed text and its values. */
export function sql(text: string, ...params: readonly SqlValue[]): Sql {
  return { text, params };
}

/** Puts pieces together with text between them. */
export function join(pieces: readonly Sql[], separator: string): Sql {
  return {
    text: pieces.map((piece) => piece.text).join(separator),
    params: pieces.flatMap((piece) => piece.params),
  };
}

/** SQL put together of fixed text and pieces with their values. */
export function concat(texts: TemplateStringsArray, ...pieces: readonly Sql[]): Sql {
  return {
    text: texts.reduce((text, next, index) => text + (pieces[index - 1]?.text ?? '') + next),
    params: pieces.flatMap(({ params }) => params),
  };
}

/** A condition does not hold, or nobody can tell. */
export function not(condition: Sql): Sql {
  return { text: `(${condition.text}) IS NOT TRUE`, params: condition.params };
}

/** All conditions hold; true when there is none. */
export function all(conditions: readonly Sql[]): Sql {
  return conditions.length === 0 ? sql('1') : join(conditions.map(parenthesise), ' AND ');
}

/** Some condition holds; false when there is none. */
export function any(conditions: readonly Sql[]): Sql {
  return conditions.length === 0 ? sql('0') : parenthesise(join(conditions.map(parenthesise), ' OR '));
}

/**
 * A collection's name as SQL has a text: partial indexes are used only where their condition stands in the query as it is.
 * Throws on what is no such name.
 */
export function named(collection: string): string {
  if (!COLLECTION_PATTERN.test(collection)) throw new Error('what is no name of a collection cannot become SQL');
  return `'${collection}'`;
}

/** One placeholder for each value: `?, ?, ?`. */
export function placeholders(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ');
}

function parenthesise(piece: Sql): Sql {
  return { text: `(${piece.text})`, params: piece.params };
}
