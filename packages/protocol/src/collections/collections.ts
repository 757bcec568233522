import type { BuiltInCollection } from './declaration.ts';

/** The name of the collection that holds declarations. */
export const DECLARATIONS = 'collections';

/**
 * The declarations an agent made: one record a collection, with its name as id. They are records like others, so they reach the
 * relay, backups and restored files by the same ways. What is written here is checked as a declaration.
 */
export const collections: BuiltInCollection = Object.freeze<BuiltInCollection>({
  name: DECLARATIONS,
  help: 'Declarations of collections: fields, indexes, search, who may read',
  example: {
    id: 'leads',
    document: {
      help: 'Companies that asked for an offer',
      fields: { company: { type: 'text', required: true }, asked_at: { type: 'time' } },
      indexes: [['asked_at']],
    },
  },
});
