import { z } from 'zod';

/**
 * A field: a path into the document (`address.city`), or one of the record's own fields (`metadataFields`).
 * A document field hidden by a name of the record's own is reached as `doc.created_at`.
 */
export const fieldPath = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\0."\\[\]]+(?:\.[^\0."\\[\]]+)*$/, { error: 'a field is a path such as "address.city"' })
  .meta({ description: 'A path into the document, or a field of the record itself', example: 'address.city' });

/** The record's own fields, which a query may name like fields of the document. */
export const metadataFields = ['id', 'resource', 'version', 'created_at', 'updated_at', 'expires_at'] as const;

/** Fields that records have on the relay only: whose they are. */
export const ownerFields = ['node', 'agent'] as const;

/** A field of the record itself, on the relay. */
export type MetadataField = (typeof metadataFields)[number] | (typeof ownerFields)[number];
