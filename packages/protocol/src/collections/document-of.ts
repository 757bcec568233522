import type { Json } from '../document.ts';
import type { Field, Fields } from './field.ts';

/** What a field of a document holds. */
type ValueOf<F extends Field> = F extends { readonly type: 'text'; readonly oneOf: readonly (infer Value)[] }
  ? Value
  : F extends { readonly type: 'text' | 'time' }
    ? string
    : F extends { readonly type: 'number' | 'integer' }
      ? number
      : F extends { readonly type: 'boolean' }
        ? boolean
        : F extends { readonly type: 'list'; readonly of: infer Member extends Field }
          ? readonly ValueOf<Member>[]
          : F extends { readonly type: 'list' }
            ? readonly Json[]
            : F extends { readonly type: 'object'; readonly fields: infer Inner extends Fields }
              ? ObjectOf<Inner>
              : F extends { readonly type: 'object' }
                ? { readonly [name: string]: Json }
                : Json;

type Required<F extends Fields> = {
  [Name in keyof F]: F[Name] extends { readonly required: true } ? Name : never;
}[keyof F];

type ObjectOf<F extends Fields> = { readonly [Name in Required<F>]: ValueOf<F[Name]> } & {
  readonly [Name in Exclude<keyof F, Required<F>>]?: ValueOf<F[Name]> | null;
};

/**
 * The type of a declaration's documents: its fields, those required always there. A document of an open collection may hold
 * more than its type says.
 */
export type DocumentOf<Declared extends { readonly fields: Fields }> = ObjectOf<Declared['fields']>;
