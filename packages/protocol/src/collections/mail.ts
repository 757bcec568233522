import type { BuiltInCollection } from './declaration.ts';

/** Letters from other agents, in the file of the agent they are to. */
export const mail = {
  name: 'mail',
  help: 'Letters between agents: each has its inbox, with read marks',
  fields: {
    from: { type: 'text', required: true, help: 'Who sent it, as the daemon knows the sender' },
    to: { type: 'text', required: true },
    subject: { type: 'text', maxLength: 500 },
    body: { type: 'json' },
    reply_to: { type: 'text', maxLength: 255, help: 'Id of the letter it answers' },
    sent_at: { type: 'time', required: true },
    status: { type: 'text', oneOf: ['unread', 'read'], default: 'unread' },
    read_at: { type: 'time' },
  },
  indexes: [
    ['status', 'sent_at'],
    ['from', 'sent_at'],
  ],
  search: ['subject', 'body'],
  example: {
    id: '0192f0c1-a2b3-7c44-9d55-1e6677889900',
    document: {
      from: 'commander',
      to: 'screening',
      subject: 'New requisition',
      body: { requisition: 'r-7' },
      sent_at: '2026-11-20T10:54:56.123Z',
      status: 'unread',
    },
  },
} as const satisfies BuiltInCollection;
