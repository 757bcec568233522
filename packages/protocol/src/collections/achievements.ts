import type { BuiltInCollection } from './declaration.ts';

/** Points an agent was given; the leaderboard is their sum. */
export const achievements = {
  name: 'achievements',
  help: 'Points given to agents for what they achieved',
  conflict: 'append-only',
  fields: {
    awarded_to: { type: 'text', required: true, minLength: 1, maxLength: 128, help: 'The agent that achieved it' },
    type: { type: 'text', required: true, minLength: 1, maxLength: 100 },
    points: { type: 'integer', required: true },
    completed_at: { type: 'time' },
    metadata: { type: 'json' },
  },
  indexes: [['awarded_to'], ['type']],
  example: {
    id: 'a-77',
    document: {
      awarded_to: 'screening',
      type: 'hundred_screened',
      points: 100,
      completed_at: '2026-11-20T10:54:56.123Z',
    },
  },
} as const satisfies BuiltInCollection;
