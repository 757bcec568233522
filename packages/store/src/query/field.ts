import { HoldfastError, metadataFields, type MetadataField, ownerFields } from '@holdfast/protocol';

/** How a field of the record itself is kept: text, or a time in milliseconds that queries see as RFC 3339. */
export interface MetadataColumn {
  readonly column: string;
  readonly kind: 'text' | 'time';
}

/** The columns behind the record's own fields, as far as a table has them. */
export type MetadataColumns = Readonly<Partial<Record<MetadataField, MetadataColumn>>>;

/** What a name in a query means: a column, or a path into the document as SQLite's JSON functions take it. */
export type Field =
  | { readonly kind: 'metadata'; readonly column: MetadataColumn }
  | { readonly kind: 'document'; readonly path: string };

const metadataNames: ReadonlySet<string> = new Set([...metadataFields, ...ownerFields]);

/** Finds what a name means. `doc.` in front always means the document. Throws `invalid-request`. */
export function resolveField(name: string, columns: MetadataColumns): Field {
  if (!metadataNames.has(name))
    return { kind: 'document', path: jsonPath(name.startsWith('doc.') ? name.slice(4) : name) };
  const column = columns[name as MetadataField];
  if (column === undefined) throw invalid(name, 'records have no such field here');
  return { kind: 'metadata', column };
}

/** The segments of a document path. */
export function documentSegments(name: string): string[] {
  return (name.startsWith('doc.') ? name.slice(4) : name).split('.');
}

/** `invalid-request` about one field of a query. */
export function invalid(name: string, message: string): HoldfastError {
  return new HoldfastError('invalid-request', `"${name}": ${message}`, { issues: [{ path: name, message }] });
}

// Bound as a parameter; the schema keeps quotes, backslashes and brackets out of segments.
function jsonPath(name: string): string {
  return (
    '$' +
    name
      .split('.')
      .map((segment) => `."${segment}"`)
      .join('')
  );
}
