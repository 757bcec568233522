/** Which records of a collection are for agents of other nodes, as their documents say. */
export interface Addressing {
  /** The field that names them, a text or a list of texts: agent@node, *@node or *@*. */
  readonly field: string;
  /** Only while a field has one of these values; undefined: always. */
  readonly while?: { readonly field: string; readonly oneOf: readonly string[] };
}

/** The collections whose records are addressed to agents of other nodes, which get them by the feed (protocol rule 21). */
export const addressedCollections = Object.freeze({
  letters: { field: 'to' },
  tasks: { field: 'workers', while: { field: 'status', oneOf: ['pending', 'waiting'] } },
} as const satisfies Readonly<Record<string, Addressing>>);
