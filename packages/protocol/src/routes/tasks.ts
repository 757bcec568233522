import { z } from 'zod';

import { taskStatuses } from '../collections/tasks.ts';
import { limits } from '../limits.ts';
import { peerName, recordId } from '../names.ts';
import { timestamp } from '../record.ts';
import { type Route, writeErrors } from './route.ts';
import { idempotency } from './writing.ts';

const from = peerName
  .optional()
  .meta({ description: "Whose tasks: an agent of this node, or agent@node. Default: the caller's own" });
const lease = z.uuid().meta({ description: 'The lease of the claim' });
const leaseSeconds = z
  .number()
  .int()
  .min(5)
  .max(86_400)
  .optional()
  .meta({ description: 'How long the task is held from now on without a heartbeat; default 60' });

/** What a worker asks for. */
export const claimBody = z.strictObject({
  from,
  types: z.array(z.string().min(1).max(100)).min(1).max(20).optional().meta({ description: 'Only such tasks' }),
  lease_seconds: leaseSeconds,
  wait_seconds: z
    .number()
    .min(0)
    .max(limits.claimWaitSeconds)
    .optional()
    .meta({ description: 'How long a task is waited for when there is none, or the other node is away. Default 0' }),
});
const reports = {
  heartbeat: z.strictObject({
    lease,
    lease_seconds: leaseSeconds,
    progress: z.number().min(0).max(1).optional(),
  }),
  complete: z.strictObject({ lease, result: z.json().optional() }),
  fail: z.strictObject({
    lease,
    error: z.string().min(1).max(10_000),
    retry: z.boolean().optional().meta({ description: 'Whether trying again may help; default true' }),
  }),
  release: z.strictObject({ lease }),
} as const;

/** What a worker says of a task it has; it is its lease that counts. */
export const taskReportSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('heartbeat'), ...reports.heartbeat.shape }),
  z.object({ kind: z.literal('complete'), ...reports.complete.shape }),
  z.object({ kind: z.literal('fail'), ...reports.fail.shape }),
  z.object({ kind: z.literal('release'), ...reports.release.shape }),
]);

/** What a worker asks for. */
export type TaskClaim = z.infer<typeof claimBody>;
/** What a worker says of a task it has. */
export type TaskReport = z.infer<typeof taskReportSchema>;

const claimedSchema = z.object({
  id: recordId,
  from: z.string().meta({ description: 'Whose task it is; goes into the calls that follow' }),
  lease,
  due_at: timestamp.meta({ description: "When the lease ends, by the clock of the task's node" }),
  type: z.string(),
  payload: z.json(),
  priority: z.number().int(),
  retries: z.number().int().meta({ description: 'Tries that failed before' }),
});

/** A task as its worker gets it. */
export type ClaimedTask = z.infer<typeof claimedSchema>;

const standingSchema = z.object({
  id: recordId,
  status: z.enum(taskStatuses),
  due_at: timestamp.nullable().meta({ description: 'When the lease ends, or when it is tried again' }),
});

/** Where a task stands after what its worker said. */
export type TaskStanding = z.infer<typeof standingSchema>;

/** What may come of asking another node. */
const farErrors = [
  'not-enrolled',
  'relay-unreachable',
  'node-not-found',
  'node-unreachable',
  'call-unanswered',
  'call-unsupported',
] as const;

const report = {
  method: 'POST',
  roles: ['agent', 'admin'],
  params: { id: recordId },
  status: 200,
  answer: { kind: 'json', schema: standingSchema },
  errors: ['agent-not-found', 'record-not-found', 'lease-lost', ...farErrors, ...writeErrors],
} as const;

/** The daemon's calls about tasks. They are made, looked at and cancelled as records of `tasks`. */
export const taskRoutes = {
  'task.claim': {
    method: 'POST',
    path: '/v1/claims',
    summary:
      'Take the most urgent task there is, alone and for a time: whoever claims next gets another. Null if there is none, or none came while it was waited for',
    roles: ['agent', 'admin'],
    headers: idempotency,
    body: { kind: 'json', schema: claimBody },
    status: 200,
    answer: { kind: 'json', schema: z.object({ task: claimedSchema.nullable() }) },
    errors: ['agent-not-found', 'idempotency-mismatch', ...farErrors, ...writeErrors],
  },
  'task.heartbeat': {
    ...report,
    path: '/v1/tasks/{id}/heartbeat',
    summary: 'Say that the work goes on: the lease begins anew',
    body: { kind: 'json', schema: reports.heartbeat.extend({ from }) },
  },
  'task.complete': {
    ...report,
    path: '/v1/tasks/{id}/complete',
    summary: 'End a task with its result; those that wait for it may be claimed then. The same again changes nothing',
    body: { kind: 'json', schema: reports.complete.extend({ from }) },
    errors: [...report.errors, 'unsafe-document', 'record-too-large'],
  },
  'task.fail': {
    ...report,
    path: '/v1/tasks/{id}/fail',
    summary:
      'Tell that a try failed: it is tried again after a while, unless it was the last. The same again changes nothing',
    body: { kind: 'json', schema: reports.fail.extend({ from }) },
    errors: [...report.errors, 'unsafe-document'],
  },
  'task.release': {
    ...report,
    path: '/v1/tasks/{id}/release',
    summary: 'Give a task back untried: others may claim it at once. The same again changes nothing',
    body: { kind: 'json', schema: reports.release.extend({ from }) },
  },
} as const satisfies Record<string, Route>;
