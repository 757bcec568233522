import type { BuiltInCollection } from './declaration.ts';
import type { DocumentOf } from './document-of.ts';
import { WORDS_LENGTH } from './interviews.ts';

/** Messages for hiring managers, each to be acknowledged once. */
export const interactions = {
  name: 'interactions',
  help: 'Messages for hiring managers, each to be acknowledged once',
  open: true,
  fields: {
    manager: { type: 'text', maxLength: 200, help: 'Whom it is for' },
    candidate: { type: 'text', help: 'Id of the candidate' },
    requisition: { type: 'text', help: 'Id of the requisition' },
    kind: { type: 'text', maxLength: 100, help: 'Such as `shortlist` or `question`' },
    content: { type: 'text', maxLength: WORDS_LENGTH, personal: true },
    status: { type: 'text', oneOf: ['pending', 'acknowledged'], default: 'pending' },
    acknowledged_at: { type: 'time' },
    acknowledged_by: { type: 'text', maxLength: 200 },
    response: { type: 'text', maxLength: WORDS_LENGTH, personal: true },
  },
  indexes: [['manager', 'status'], ['status'], ['candidate'], ['requisition']],
  example: {
    id: 'm-3',
    document: {
      manager: 'grace',
      candidate: 'c-1042',
      requisition: 'backend-lisbon',
      kind: 'shortlist',
      content: 'Ada fits the backend position. Shall I invite her?',
      status: 'pending',
    },
  },
} as const satisfies BuiltInCollection;

/** An interaction's document. */
export type Interaction = DocumentOf<typeof interactions>;
