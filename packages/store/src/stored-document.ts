/** A record as it is read: the document's text as stored. */
export interface StoredDocument {
  readonly version: string;
  readonly text: string;
}

/** An entry of a listing by id. */
export interface ListedDocument extends StoredDocument {
  readonly id: string;
  readonly updatedAtMs: number;
  readonly expiresAtMs: number | null;
}
