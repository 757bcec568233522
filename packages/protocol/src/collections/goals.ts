import type { BuiltInCollection } from './declaration.ts';

/** What is to be reached, and how far it has come. */
export const goals = {
  name: 'goals',
  help: 'Goals with target, progress and deadline',
  open: true,
  fields: {
    title: { type: 'text', required: true, minLength: 1, maxLength: 500 },
    description: { type: 'text' },
    status: { type: 'text', oneOf: ['active', 'reached', 'missed', 'dropped'], default: 'active' },
    priority: { type: 'integer', min: 1, max: 10, default: 5, help: '10 is the most important' },
    progress: { type: 'number', min: 0, max: 1, default: 0 },
    target: { type: 'number', help: 'What is counted towards it, such as 10 hires' },
    current: { type: 'number' },
    parent: { type: 'text', maxLength: 255, help: 'Id of the goal it is part of' },
    due_at: { type: 'time' },
  },
  indexes: [['status', 'priority'], ['parent']],
  example: {
    id: 'g-hire-ten',
    document: {
      title: 'Ten engineers by spring',
      status: 'active',
      priority: 9,
      progress: 0.3,
      target: 10,
      current: 3,
      due_at: '2027-03-20T00:00:00.000Z',
    },
  },
} as const satisfies BuiltInCollection;
