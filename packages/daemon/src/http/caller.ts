import { agentName, HoldfastError, invalidRequest, resourceName } from '@holdfast/protocol';
import type { Authenticate, Identity } from '@holdfast/http';

import type { Agents } from '../service/agents.ts';
import type { Scope } from '../service/records.ts';

/** Who a request comes from and what it is about: the token decides, headers may only narrow it. */
export interface DaemonCaller extends Identity {
  readonly role: 'agent' | 'admin';
  /** Null: an admin's token, and the request names no agent. */
  readonly agent: string | null;
  readonly resource: string;
  /** Whether the token is bound to that resource: then it learns nothing of the others, not even how many there are. */
  readonly isBound: boolean;
}

/** Tells callers by their tokens. An agent's token speaks for that agent only; an admin's for the one it names. */
export function authenticateBy(agents: Agents): Authenticate<DaemonCaller> {
  return (token, header) => {
    const caller = agents.authenticate(token);
    if (caller === undefined) return undefined;
    const agent = choose(caller.agent, parsed(agentName, 'Holdfast-Agent', header('holdfast-agent')), 'agent');
    const resource = choose(
      caller.resource,
      parsed(resourceName, 'Holdfast-Resource', header('holdfast-resource')),
      'resource',
    );
    if (caller.role === 'admin' && agent !== null) agents.assertExists(agent);
    return { role: caller.role, agent, resource: resource ?? '', isBound: caller.resource !== null };
  };
}

/** Whose records the request is about. Throws `invalid-request` when an admin's request names no agent. */
export function scopeOf(caller: DaemonCaller): Scope {
  if (caller.agent === null) {
    const message = 'an admin token needs the header Holdfast-Agent here';
    throw new HoldfastError('invalid-request', message, { issues: [{ path: 'Holdfast-Agent', message }] });
  }
  return { agent: caller.agent, resource: caller.resource };
}

/** The agent as a whole, over all its resources. Throws `forbidden` for a token bound to one of them. */
export function wholeAgentOf(caller: DaemonCaller): string {
  if (caller.isBound) throw new HoldfastError('forbidden', 'the token is bound to one resource of the agent');
  return scopeOf(caller).agent;
}

function choose(bound: string | null, named: string | undefined, what: string): string | null {
  if (bound === null || named === undefined || named === bound) return bound ?? named ?? null;
  throw new HoldfastError('forbidden', `the token speaks for another ${what}`);
}

function parsed(schema: typeof agentName, name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const result = schema.safeParse(value);
  if (!result.success) throw invalidRequest(name, result.error);
  return result.data;
}
