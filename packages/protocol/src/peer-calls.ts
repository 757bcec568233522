import { z } from 'zod';

import { agentName, recordId } from './names.ts';
import { claimBody, taskReportSchema } from './routes/tasks.ts';

const idempotency = z
  .object({ key: z.string().max(255), fingerprint: z.string().max(100) })
  .optional()
  .meta({ description: 'As the request had it, so that it has its effect once' });

/**
 * What nodes ask each other for their agents, by name. Each is what the daemon's call of that name takes, and whose tasks or inbox
 * it is about; who asks is told by the relay. Unknown fields are left out, so that a newer node may say more.
 */
export const peerCalls = {
  'task.claim': z.object({
    ...claimBody.omit({ from: true, wait_seconds: true }).shape,
    agent: agentName,
    idempotency,
  }),
  'task.report': z.object({ agent: agentName, id: recordId, report: taskReportSchema }),
  'mail.address': z.object({ agent: agentName }),
} as const satisfies Record<string, z.ZodType>;

/** What nodes ask each other, by name. */
export type PeerCallName = keyof typeof peerCalls;
