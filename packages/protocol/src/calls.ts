import { z } from 'zod';

import { issueSchema } from './errors.ts';
import { limits } from './limits.ts';
import { agentName, nodeName, resourceName } from './names.ts';
import { randomId } from './sync.ts';

/** How long an answer is waited for unless whoever asks says otherwise, in seconds. */
const DEFAULT_CALL_SECONDS = 10;

/** JSON that is handed on as it came: neither the relay nor the wire knows what it means. */
const anything = z.unknown().refine((value) => value !== undefined, { error: 'is missing' });

/** What a node is asked to do, such as `task.claim`. */
const callName = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9]*([.-][a-z0-9]+)*$/, { error: 'a call is named in lower case, such as task.claim' });

const timeoutSeconds = z
  .number()
  .positive()
  .max(limits.callSeconds)
  .meta({ description: 'How long the answer is waited for' });

/** Who asks: the relay vouches for the node, the node for its agent. */
const callerSchema = z.object({ node: nodeName, agent: agentName, resource: resourceName });

/** Who asks. */
export type Caller = z.infer<typeof callerSchema>;

/** One node asks another. */
export const callRequestSchema = z.object({
  boot: randomId.meta({ description: 'The start of the daemon that asks' }),
  node: nodeName.meta({ description: 'Who is asked' }),
  agent: agentName.meta({ description: 'The agent of the asking node for which it asks' }),
  resource: resourceName.default(''),
  call: callName,
  body: anything,
  timeout_seconds: timeoutSeconds.default(DEFAULT_CALL_SECONDS),
});

/** One node asks another. */
export type CallRequest = z.infer<typeof callRequestSchema>;

/** Why the other node did not do what it was asked: a problem of its own, to be told to whoever asked. */
const callProblemSchema = z.object({
  code: z.string().max(64),
  detail: z.string(),
  issues: z.array(issueSchema).optional(),
  retry_after_seconds: z.number().optional(),
  extensions: z.record(z.string(), z.unknown()).optional(),
});

/** Why the other node did not do what it was asked. */
export type CallProblem = z.infer<typeof callProblemSchema>;

/** What came of a call at the node that took it. */
export const callOutcomeSchema = z.union([z.object({ answer: anything }), z.object({ problem: callProblemSchema })]);

/** What came of a call at the node that took it. */
export type CallOutcome = z.infer<typeof callOutcomeSchema>;

/** A node takes calls for itself. */
export const nextCallsSchema = z.object({
  boot: randomId.meta({ description: 'The start of the daemon that takes them' }),
  wait_seconds: z
    .number()
    .int()
    .min(0)
    .max(limits.callWaitSeconds)
    .default(limits.callWaitSeconds)
    .meta({ description: 'How long to wait for one' }),
});

/** A node takes calls for itself. */
export type NextCalls = z.input<typeof nextCallsSchema>;

/** A call in the hands of the node that is asked. */
const takenCallSchema = z.object({
  id: randomId,
  from: callerSchema,
  call: callName,
  body: anything,
  timeout_seconds: timeoutSeconds,
});

/** A call in the hands of the node that is asked. */
export type TakenCall = z.infer<typeof takenCallSchema>;

/** Calls for a node; none if none came. */
export const takenCallsSchema = z.object({ calls: z.array(takenCallSchema) });

/** Calls for a node. */
export type TakenCalls = z.infer<typeof takenCallsSchema>;

/** A node tells what came of a call it took. */
export const callAnswerSchema = z.object({ boot: randomId, outcome: callOutcomeSchema });

/** A node tells what came of a call it took. */
export type CallAnswer = z.infer<typeof callAnswerSchema>;

/** Whether somebody still waited for an answer. */
export const callReceiptSchema = z.object({ delivered: z.boolean() });

/** Whether somebody still waited for an answer. */
export type CallReceipt = z.infer<typeof callReceiptSchema>;
