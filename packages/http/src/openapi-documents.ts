import { builtInCollections, type Json, jsonSchemaOf } from '@holdfast/protocol';

/** The component that any document fits. Names of collections begin with a small letter: it cannot be one of them. */
const DOCUMENT = 'Document';

/** Schemas by the names they have as components: of the documents of each collection that ships with Holdfast, and of any document. */
export function documentComponents(): Record<string, Json> {
  const builtIn = builtInCollections.map((collection) => [collection.name, jsonSchemaOf(collection)] as const);
  const others = { description: 'Of any other collection: what is declared of it, any JSON object if nothing is' };
  const description =
    'The document of a record, by its collection; see GET /v1/collections for those that were declared';
  const document = { description, anyOf: [...builtIn.map(([name]) => referenceTo(name)), others] };
  return { ...Object.fromEntries(builtIn), [DOCUMENT]: document };
}

/** A reference to the component of a collection that ships with Holdfast; without one, to that of any document. */
export function documentReference(collection: string = DOCUMENT): { [key: string]: Json } {
  return referenceTo(collection);
}

function referenceTo(name: string): { [key: string]: Json } {
  return { $ref: `#/components/schemas/${name}` };
}
