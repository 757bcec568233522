import type { BuiltInCollection } from './declaration.ts';
import type { DocumentOf } from './document-of.ts';

/** Where a candidate stands. */
export const candidateStatuses = [
  'new',
  'active',
  'interviewing',
  'offered',
  'hired',
  'rejected',
  'withdrawn',
] as const;

/** People who may be hired. */
export const candidates = {
  name: 'candidates',
  help: 'People who may be hired: skills, experience, where they stand',
  open: true,
  fields: {
    name: { type: 'text', maxLength: 300, personal: true },
    email: { type: 'text', format: 'email', personal: true },
    phone: { type: 'text', maxLength: 60, personal: true },
    skills: { type: 'list', of: { type: 'text', maxLength: 100 }, maxItems: 200, help: 'One skill each, as `Python`' },
    experience_years: { type: 'number', min: 0 },
    status: { type: 'text', oneOf: candidateStatuses },
    location: { type: 'text', maxLength: 200 },
    source: { type: 'text', maxLength: 200, help: 'Where the candidate was found' },
    resume: { type: 'text', personal: true },
    notes: { type: 'text', personal: true },
  },
  indexes: [['status', 'experience_years'], ['skills'], ['location'], ['email']],
  search: ['name', 'resume', 'notes'],
  example: {
    id: 'c-1042',
    document: {
      name: 'Ada Okafor',
      email: 'ada@example.org',
      skills: ['Python', 'PostgreSQL'],
      experience_years: 7,
      status: 'active',
      location: 'Lisbon',
      source: 'referral',
      resume: 'Led the billing team at Kelp & Sons for three years.',
    },
  },
} as const satisfies BuiltInCollection;

/** A candidate's document. */
export type Candidate = DocumentOf<typeof candidates>;
