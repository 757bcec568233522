import {
  callAnswerSchema,
  callOutcomeSchema,
  callReceiptSchema,
  callRequestSchema,
  nextCallsSchema,
  takenCallsSchema,
} from '../calls.ts';
import { randomId } from '../sync.ts';
import type { Route } from './route.ts';

const headers = { 'Holdfast-Protocol': 'The wire version the node speaks' };

/** How nodes call each other through the relay. */
export const callRoutes = {
  'call.ask': {
    method: 'POST',
    path: '/relay/calls',
    summary:
      'Ask another node, and wait for its answer or its problem. At most once: after `call-unanswered` it may have been done, after any other error of the relay it was not',
    roles: ['node'],
    headers,
    body: { kind: 'json', schema: callRequestSchema },
    status: 200,
    answer: { kind: 'json', schema: callOutcomeSchema },
    errors: ['node-cloned', 'node-not-found', 'node-unreachable', 'call-unanswered', 'protocol-unsupported'],
  },
  'call.next': {
    method: 'POST',
    path: '/relay/calls/next',
    summary: 'Take the calls for this node, waiting until there is one; each is given out once',
    roles: ['node'],
    headers,
    body: { kind: 'json', schema: nextCallsSchema },
    status: 200,
    answer: { kind: 'json', schema: takenCallsSchema },
    errors: ['node-cloned', 'protocol-unsupported'],
  },
  'call.answer': {
    method: 'POST',
    path: '/relay/calls/answers/{id}',
    summary: 'Tell what came of a call this node took',
    roles: ['node'],
    headers,
    params: { id: randomId },
    body: { kind: 'json', schema: callAnswerSchema },
    status: 200,
    answer: { kind: 'json', schema: callReceiptSchema },
    errors: ['protocol-unsupported'],
  },
} as const satisfies Record<string, Route>;
