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

type ValuesOf<Set extends Fields> = { readonly [Name in keyof Set]?: ValueOf<Set[Name]> | null };

/** The declared part of a collection's documents, as a type. What is not required may be missing or null. */
export type DocumentOf<Declared extends { readonly fields: Fields }> = ValuesOf<Declared['fields']>;
