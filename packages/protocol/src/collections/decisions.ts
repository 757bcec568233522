import type { BuiltInCollection } from './declaration.ts';

/** What an agent decided and why; the outcome is written down when it is known. */
export const decisions = {
  name: 'decisions',
  help: 'Decisions with reasoning, score and confidence, and what came of them',
  open: true,
  fields: {
    type: { type: 'text', required: true, maxLength: 100 },
    subject: { type: 'text', maxLength: 255, help: 'What it is about: the id of a candidate, a task, …' },
    choice: { type: 'json', help: 'What was decided' },
    reasoning: { type: 'text' },
    score: { type: 'number' },
    confidence: { type: 'number', min: 0, max: 1 },
    processing_time_ms: { type: 'number', min: 0 },
    outcome: { type: 'text', maxLength: 1000 },
    outcome_at: { type: 'time' },
  },
  indexes: [['type'], ['subject']],
  search: ['reasoning'],
  example: {
    id: 'd-311',
    document: {
      type: 'shortlist',
      subject: 'c-1042',
      choice: 'invite',
      reasoning: 'Six years of Python, led a team of four',
      score: 0.87,
      confidence: 0.9,
      processing_time_ms: 412,
    },
  },
} as const satisfies BuiltInCollection;
