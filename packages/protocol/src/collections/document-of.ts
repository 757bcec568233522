import type { Json } from '../document.ts';
import type { Field, Fields } from './field.ts';

type TextOf<F> = F extends { readonly oneOf: readonly (infer Value)[] } ? Value : string;

type ListOf<F> = F extends { readonly of: infer Of extends Field } ? readonly ValueOf<Of>[] : readonly Json[];

type ObjectOf<F> = F extends { readonly fields: infer Inner extends Fields }
  ? ValuesOf<Inner>
  : { readonly [name: string]: Json };

/** What a field holds. */
type ValueOf<F extends Field> = F extends { readonly type: 'text' }
  ? TextOf<F>
  : F extends { readonly type: 'time' }
    ? string
    : F extends { readonly type: 'number' | 'integer' }
      ? number
      : F extends { readonly type: 'boolean' }
        ? boolean
        : F extends { readonly type: 'list' }
          ? ListOf<F>
          : F extends { readonly type: 'object' }
            ? ObjectOf<F>
            : Json;

/** The names of fields that every document has. */
type Required<Set extends Fields> = {
  [Name in keyof Set]: Set[Name] extends { readonly required: true } ? Name : never;
}[keyof Set];

type ValuesOf<Set extends Fields> = { readonly [Name in Required<Set>]: ValueOf<Set[Name]> } & {
  readonly [Name in Exclude<keyof Set, Required<Set>>]?: ValueOf<Set[Name]> | null;
};

/**
 * The type of a declaration's documents: what is required is always there, all else may be missing or null. A document of an open
 * collection may hold more than its type says.
 */
export type DocumentOf<Declared extends { readonly fields: Fields }> = ValuesOf<Declared['fields']>;
