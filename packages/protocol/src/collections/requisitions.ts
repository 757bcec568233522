import type { BuiltInCollection } from './declaration.ts';
import type { DocumentOf } from './document-of.ts';

/** Positions to be filled. */
export const requisitions = {
  name: 'requisitions',
  help: 'Positions to be filled: what they require, how urgent they are',
  open: true,
  fields: {
    title: { type: 'text', maxLength: 300 },
    department: { type: 'text', maxLength: 200 },
    location: { type: 'text', maxLength: 200 },
    priority: { type: 'integer', min: 1, max: 10, help: '10 is the most urgent' },
    status: { type: 'text', oneOf: ['open', 'on_hold', 'filled', 'closed'], default: 'open' },
    required_skills: { type: 'list', of: { type: 'text', maxLength: 100 }, maxItems: 30 },
    nice_to_have_skills: { type: 'list', of: { type: 'text', maxLength: 100 }, maxItems: 50 },
    min_experience_years: { type: 'number', min: 0 },
    description: { type: 'text' },
  },
  indexes: [['status', 'priority'], ['department', 'status'], ['required_skills']],
  search: ['title', 'description'],
  example: {
    id: 'backend-lisbon',
    document: {
      title: 'Backend engineer',
      department: 'Payments',
      location: 'Lisbon',
      priority: 8,
      status: 'open',
      required_skills: ['Python', 'PostgreSQL'],
      nice_to_have_skills: ['Kafka'],
      min_experience_years: 4,
    },
  },
} as const satisfies BuiltInCollection;

/** A requisition's document. */
export type Requisition = DocumentOf<typeof requisitions>;
