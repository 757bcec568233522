import type { BuiltInCollection } from './declaration.ts';

/** Messages of conversations, in OpenAI chat form, each with its thread and its place in it. */
export const messages = {
  name: 'messages',
  help: 'Messages of threads in order: role, content, tool calls',
  open: true,
  fields: {
    thread: { type: 'text', help: 'Id of its thread' },
    index: { type: 'integer', min: 0, help: 'Its place in the thread, from 0' },
    role: { type: 'text' },
    content: { type: 'json', help: 'A text, or a list of parts' },
  },
  indexes: [['thread', 'index']],
  search: ['content'],
  example: {
    id: 'airline-0-1.000003',
    document: { thread: 'airline-0-1', index: 3, role: 'assistant', content: 'Which flight do you mean?' },
  },
} as const satisfies BuiltInCollection;
