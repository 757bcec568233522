import type { Collection } from './declaration.ts';

/** Messages of conversations, in OpenAI chat form, each with its thread and its place in it. */
export const messages: Collection = Object.freeze({
  name: 'messages',
  help: 'Messages of threads in order: role, content, tool calls',
  document: 'object',
  example: {
    id: 'airline-0-1.000003',
    document: { thread: 'airline-0-1', index: 3, role: 'assistant', content: 'Which flight do you mean?' },
  },
});
