import type { BuiltInCollection } from './declaration.ts';

/** What an agent says of itself with each heartbeat. `offline` is not said but concluded, from heartbeats that stay away. */
export const agentStatuses = ['idle', 'active', 'busy', 'error'] as const;

/** The registry's entries: each agent has one, in its own file, under its own name. */
export const agents = {
  name: 'agents',
  help: 'What each agent does and can do, and when it was last heard of',
  fields: {
    role: { type: 'text', maxLength: 100 },
    capabilities: { type: 'list', of: { type: 'text', maxLength: 100 }, maxItems: 100 },
    status: { type: 'text', oneOf: agentStatuses, default: 'idle' },
    task: { type: 'text', maxLength: 255, help: 'What it is at work on' },
    heartbeat_at: { type: 'time' },
    offline_after_seconds: {
      type: 'integer',
      min: 1,
      max: 86_400,
      default: 90,
      help: 'How long after a heartbeat it counts as offline',
    },
    metadata: { type: 'json' },
  },
  indexes: [['status'], ['capabilities']],
  example: {
    id: 'screening',
    document: {
      role: 'screener',
      capabilities: ['screen', 'summarise'],
      status: 'busy',
      task: 'screen-c-1042',
      heartbeat_at: '2026-11-20T10:54:56.123Z',
      offline_after_seconds: 90,
    },
  },
} as const satisfies BuiltInCollection;
