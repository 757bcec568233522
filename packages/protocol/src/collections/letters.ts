import type { BuiltInCollection } from './declaration.ts';

const DAY_SECONDS = 86_400;

/** Letters to agents of other nodes, in the file of the agent that sent them. */
export const letters = {
  name: 'letters',
  help: 'What an agent sent to agents of other nodes: each is put into the mail of the agent it is to',
  conflict: 'append-only',
  ttl: 30 * DAY_SECONDS,
  fields: {
    to: { type: 'text', required: true, maxLength: 127, help: 'The agent it is to, as agent@node' },
    subject: { type: 'text', maxLength: 500 },
    body: { type: 'json' },
    reply_to: { type: 'text', maxLength: 255, help: 'Id of the letter it answers' },
    sent_at: { type: 'time', required: true },
  },
  indexes: [['to', 'sent_at']],
  example: {
    id: '0192f0c1-a2b3-7c44-9d55-1e6677889902',
    document: {
      to: 'screening@laptop',
      subject: 'New requisition',
      body: { requisition: 'r-7' },
      sent_at: '2026-11-20T10:54:56.123Z',
    },
  },
} as const satisfies BuiltInCollection;
