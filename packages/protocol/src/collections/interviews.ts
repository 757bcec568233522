import type { BuiltInCollection } from './declaration.ts';
import type { DocumentOf } from './document-of.ts';

/** What an interview can end with. */
export const interviewOutcomes = ['pass', 'fail', 'undecided'] as const;

/** Longest feedback and response, in UTF-16 code units. */
export const WORDS_LENGTH = 20_000;

/** The least and the best rating of an interview. */
export const ratings: { readonly min: number; readonly max: number } = { min: 1, max: 5 };

/** Talks with candidates, planned and done. */
export const interviews = {
  name: 'interviews',
  help: 'Talks with candidates: when, with whom, and how they ended',
  open: true,
  fields: {
    candidate: { type: 'text', help: 'Id of the candidate' },
    requisition: { type: 'text', help: 'Id of the requisition' },
    interviewer: { type: 'text', maxLength: 200 },
    scheduled_at: { type: 'time' },
    kind: { type: 'text', maxLength: 100, help: 'Such as `phone` or `technical`' },
    status: { type: 'text', oneOf: ['scheduled', 'done', 'cancelled', 'no_show'], default: 'scheduled' },
    outcome: { type: 'text', oneOf: interviewOutcomes },
    feedback: { type: 'text', maxLength: WORDS_LENGTH, personal: true },
    rating: { type: 'number', ...ratings, help: '1 to 5' },
    done_at: { type: 'time', help: 'When the outcome was recorded' },
  },
  indexes: [
    ['candidate', 'scheduled_at'],
    ['requisition', 'scheduled_at'],
    ['status', 'scheduled_at'],
    ['interviewer', 'status', 'scheduled_at'],
  ],
  example: {
    id: 'i-17',
    document: {
      candidate: 'c-1042',
      requisition: 'backend-lisbon',
      interviewer: 'grace',
      scheduled_at: '2026-11-30T09:00:00.000Z',
      kind: 'technical',
      status: 'scheduled',
    },
  },
} as const satisfies BuiltInCollection;

/** An interview's document. */
export type Interview = DocumentOf<typeof interviews>;
