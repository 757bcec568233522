import type { BuiltInCollection } from './declaration.ts';

/** Where a task stands. */
export const taskStatuses = [
  'pending',
  'waiting',
  'assigned',
  'in_progress',
  'completed',
  'failed',
  'cancelled',
] as const;

/** What an agent asks to be done, by itself or by others. The calls under `/v1/tasks` move one from status to status. */
export const tasks = {
  name: 'tasks',
  help: 'Work to be done once: claimed by one worker with a lease, retried, in order of priority and dependencies',
  fields: {
    type: { type: 'text', required: true, minLength: 1, maxLength: 100, help: 'What kind of work it is' },
    payload: { type: 'json', help: 'What the worker needs to know' },
    priority: { type: 'integer', min: 1, max: 10, default: 5, help: '10 is done first' },
    status: { type: 'text', oneOf: taskStatuses, default: 'pending' },
    workers: {
      type: 'list',
      of: { type: 'text', maxLength: 128 },
      maxItems: 100,
      help: 'Agents that may claim it beside its own, as agent or agent@node; * for all',
    },
    dependencies: {
      type: 'list',
      of: { type: 'text', maxLength: 255 },
      maxItems: 100,
      help: 'Ids of tasks that must be completed first',
    },
    due_at: { type: 'time', help: 'Not claimed before; while a worker has it, when its lease ends' },
    waits_for: {
      type: 'text',
      oneOf: ['time', 'dependencies'],
      help: 'While it is waiting: for `due_at`, or for others',
    },
    max_retries: { type: 'integer', min: 0, max: 100, default: 3 },
    retry_seconds: {
      type: 'integer',
      min: 0,
      max: 86_400,
      default: 10,
      help: 'Wait before the first retry; doubles with each, to a day at most',
    },
    retries: { type: 'integer', min: 0, default: 0, help: 'Tries that failed' },
    worker: { type: 'text', help: 'Who has or had it' },
    lease: { type: 'text', help: 'Changes with every claim; only who has it may end the task' },
    progress: { type: 'number', min: 0, max: 1 },
    started_at: { type: 'time' },
    completed_at: { type: 'time' },
    result: { type: 'json' },
    error: { type: 'text', maxLength: 10_000 },
  },
  indexes: [['status', 'priority'], ['status', 'type', 'priority'], ['status', 'due_at'], ['dependencies']],
  example: {
    id: 'screen-c-1042',
    document: {
      type: 'screen',
      payload: { candidate: 'c-1042' },
      priority: 8,
      status: 'pending',
      workers: ['screening'],
      max_retries: 3,
      retry_seconds: 10,
      retries: 0,
    },
  },
} as const satisfies BuiltInCollection;
