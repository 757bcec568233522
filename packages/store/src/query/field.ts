import {
  type Collection,
  didYouMean,
  fieldAt,
  type FieldDeclaration,
  HoldfastError,
  metadataFields,
  type MetadataField,
  ownerFields,
} from '@holdfast/protocol';

import { inDocument, type Place } from './place.ts';

/** How a field of the record itself is kept: text, or a time in milliseconds that queries see as RFC 3339. */
export interface MetadataColumn {
  readonly column: string;
  readonly kind: 'text' | 'time';
}

/** The columns behind the record's own fields, as far as a table has them. */
export type MetadataColumns = Readonly<Partial<Record<MetadataField, MetadataColumn>>>;

/** The columns that the records of agents' files and of the relay both have. */
export const recordColumns: MetadataColumns = {
  id: { column: 'records.id', kind: 'text' },
  resource: { column: 'resource', kind: 'text' },
  version: { column: 'version', kind: 'text' },
  created_at: { column: 'created_at', kind: 'time' },
  updated_at: { column: 'updated_at', kind: 'time' },
  expires_at: { column: 'expires_at', kind: 'time' },
};

/** A declared list whose members are indexed: the index's number, and the column that records are numbered by. */
export interface MemberIndex {
  readonly number: number;
  readonly key: string;
}

/** What the names in a query may mean. */
export interface Names {
  readonly columns: MetadataColumns;
  /** Whose records the query asks for, if that is declared. */
  readonly collection?: Collection | undefined;
  /** Of the collection, by path. */
  readonly memberIndexes?: ReadonlyMap<string, MemberIndex> | undefined;
  /** Whether a document path is none of the asker's business. Default: none is. */
  readonly isHidden?: ((path: string) => boolean) | undefined;
}

/** A path into the document. */
export interface DocumentField {
  readonly kind: 'document';
  /** As SQLite's JSON functions take it. */
  readonly path: string;
  readonly place: Place;
  /** Undefined: nothing is declared there. */
  readonly declared?: FieldDeclaration | undefined;
  readonly memberIndex?: MemberIndex | undefined;
}

/** What a name in a query means: a column, or a path into the document. */
export type Field = { readonly kind: 'metadata'; readonly column: MetadataColumn } | DocumentField;

const metadataNames: ReadonlySet<string> = new Set([...metadataFields, ...ownerFields]);

/** Finds what a name means. `doc.` in front always means the document. Throws `invalid-request`, `forbidden`. */
export function resolveField(name: string, { columns, collection, memberIndexes, isHidden }: Names): Field {
  if (metadataNames.has(name)) {
    const column = columns[name as MetadataField];
    if (column === undefined) throw invalid(name, 'records have no such field here');
    return { kind: 'metadata', column };
  }
  const path = name.startsWith('doc.') ? name.slice(4) : name;
  if (isHidden?.(path) === true) throw new HoldfastError('forbidden', `"${name}" is personal: it can only be selected`);
  const declared = declaredAt(path, collection);
  return {
    kind: 'document',
    path: jsonPath(path),
    place: inDocument(jsonPath(path), isIndexed(path, collection)),
    declared,
    memberIndex: memberIndexes?.get(path),
  };
}

/** The segments of a document path. */
export function documentSegments(name: string): string[] {
  return (name.startsWith('doc.') ? name.slice(4) : name).split('.');
}

/** `invalid-request` about one field of a query. */
export function invalid(name: string, message: string): HoldfastError {
  return new HoldfastError('invalid-request', `"${name}": ${message}`, { issues: [{ path: name, message }] });
}

/** A path as SQLite's JSON functions take it. The schema of queries keeps quotes, backslashes and brackets out of segments. */
export function jsonPath(path: string): string {
  return (
    '$' +
    path
      .split('.')
      .map((segment) => `."${segment}"`)
      .join('')
  );
}

function isIndexed(path: string, collection: Collection | undefined): boolean {
  return collection?.indexes?.some((paths) => paths.includes(path)) === true;
}

// Documents of a collection that is not open hold what is declared and nothing else: another name is a mistake.
function declaredAt(path: string, collection: Collection | undefined): FieldDeclaration | undefined {
  if (collection?.fields === undefined) return undefined;
  const declared = fieldAt(collection.fields, path);
  const [first = '', ...rest] = path.split('.');
  const outer = Object.hasOwn(collection.fields, first) ? collection.fields[first] : undefined;
  const isKnown = declared !== undefined || collection.open === true || (outer !== undefined && isLoose(outer, rest));
  if (isKnown) return declared;
  const names = [...Object.keys(collection.fields), ...metadataNames];
  throw invalid(path, `"${collection.name}" has no such field${didYouMean(path, names)}`);
}

/** Whether a path may lead on into what a field holds. */
function isLoose(field: FieldDeclaration, rest: readonly string[]): boolean {
  if (rest.length === 0 || field.type === 'json') return true;
  if (field.type !== 'object') return false;
  if (field.fields === undefined) return true;
  const [first = '', ...further] = rest;
  const inner = Object.hasOwn(field.fields, first) ? field.fields[first] : undefined;
  return inner !== undefined && isLoose(inner, further);
}
