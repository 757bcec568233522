import type { Collection } from './declaration.ts';

/** Conversations. The messages of one stand in `messages`, with this record's id as their `thread`. */
export const threads: Collection = Object.freeze({
  name: 'threads',
  help: 'Conversations: title, origin and how many messages each has',
  document: 'object',
  example: {
    id: 'airline-0-1',
    document: { title: 'airline task 0, trial 1', source: 'chats.json', message_count: 24 },
  },
});
