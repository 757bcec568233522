import type { Json } from '../document.ts';

/** What a collection's documents are: JSON objects, or any JSON value at all. */
export type DocumentKind = 'object' | 'any';

/**
 * A collection as data. Routes, client, reference docs and generated tests are functions of the list of these.
 * Collections nobody declared are free-form: they begin with their first record and hold objects.
 */
export interface Collection {
  readonly name: string;
  /** One line for help and reference docs. */
  readonly help: string;
  readonly document: DocumentKind;
  /** A record as it might really stand there; the generated round-trip test writes and reads it. */
  readonly example: { readonly id: string; readonly document: Json };
}
