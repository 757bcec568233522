import type { BuiltInCollection } from './declaration.ts';

/** Conversations. The messages of one stand in `messages`, with this record's id as their `thread`. */
export const threads = {
  name: 'threads',
  help: 'Conversations: title, origin and how many messages each has',
  open: true,
  fields: {
    title: { type: 'text' },
    source: { type: 'text', help: 'The file it was imported from' },
    message_count: { type: 'integer', min: 0 },
  },
  search: ['title'],
  example: {
    id: 'airline-0-1',
    document: { title: 'airline task 0, trial 1', source: 'chats.json', message_count: 24 },
  },
} as const satisfies BuiltInCollection;
