import { z } from 'zod';

import { DECLARATIONS } from '../collections/collections.ts';
import { collectionKinds } from '../collections/index.ts';
import { collectionName } from '../names.ts';
import { type Route, writeErrors } from './route.ts';
import { documentErrors, preconditions, writeAnswer, writeQuery } from './writing.ts';

/** A collection as it is known: declared or free-form, and how much is in it. */
const collectionInfoSchema = z.object({
  name: collectionName,
  kind: z.enum(collectionKinds),
  help: z.string(),
  document: z.enum(['object', 'any']),
  declaration: z.json().optional().meta({ description: 'What is declared of it; left out for a free-form one' }),
  schema: z.json().optional().meta({ description: 'The same as JSON Schema of its documents' }),
  records: z
    .number()
    .int()
    .nullable()
    .meta({
      description:
        'Records of this agent, over all its resources, or of what all nodes share; expired ones not yet swept count. ' +
        'Null: not known while the file of what all nodes share is damaged',
    }),
});

/** The daemon's calls about collections. */
export const collectionRoutes = {
  'collection.list': {
    method: 'GET',
    path: '/v1/collections',
    summary: 'The collections there are: built in, and those this agent began. Not for a token bound to a resource',
    roles: ['agent', 'admin'],
    status: 200,
    answer: { kind: 'json', schema: z.object({ collections: z.array(collectionInfoSchema) }) },
    errors: [],
  },
  'collection.get': {
    method: 'GET',
    path: '/v1/collections/{name}',
    summary: 'One collection',
    roles: ['agent', 'admin'],
    params: { name: collectionName },
    status: 200,
    answer: { kind: 'json', schema: collectionInfoSchema },
    errors: ['collection-not-found'],
  },
  'collection.put': {
    method: 'PUT',
    path: '/v1/collections/{name}',
    summary: 'Declare a collection: fields, indexes, search. `schema`, a JSON Schema, may stand for `fields`',
    roles: ['agent', 'admin'],
    params: { name: collectionName },
    query: writeQuery,
    headers: preconditions,
    body: { kind: 'document', collection: DECLARATIONS },
    status: 200,
    answer: writeAnswer,
    errors: ['declaration-conflict', 'too-many-indexes', 'precondition-failed', 'fence-stale', ...documentErrors],
  },
  'collection.delete': {
    method: 'DELETE',
    path: '/v1/collections/{name}',
    summary: 'Take a declaration back: the collection is free-form then; its records stay',
    roles: ['agent', 'admin'],
    params: { name: collectionName },
    query: writeQuery,
    headers: preconditions,
    status: 200,
    answer: writeAnswer,
    errors: ['record-not-found', 'precondition-failed', 'fence-stale', ...writeErrors],
  },
} as const satisfies Record<string, Route>;
