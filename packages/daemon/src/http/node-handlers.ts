import { type daemonRoutes, type DaemonRouteId, isHoldfastError } from '@holdfast/protocol';
import type { Handlers } from '@holdfast/http';
import { type AgentFiles, toTimestamp } from '@holdfast/store';

import type { IssuedToken } from '../service/agents.ts';
import { type JoiningOptions, joinRelay, reidentify } from '../service/joining.ts';
import { agentStatus, nodeStatus, servingAgents, type StatusSources } from '../service/node-status.ts';
import { type DaemonCaller, wholeAgentOf } from './caller.ts';
import type { RebuildingRouteId } from './rebuilding-handlers.ts';

type NodeRouteId = Exclude<
  Extract<DaemonRouteId, `status.${string}` | `node.${string}` | `agent.${string}` | `dead-letter.${string}`>,
  RebuildingRouteId
>;
type NodeHandlers = Handlers<Pick<typeof daemonRoutes, NodeRouteId>, DaemonCaller>;
type HandlersOf<Prefix extends string> = Pick<NodeHandlers, Extract<NodeRouteId, `${Prefix}.${string}`>>;

/** Answers the calls about the node itself: status, enrolment, agents, dead letters. */
export function nodeHandlers(sources: StatusSources, joining: JoiningOptions): NodeHandlers {
  return {
    ...agentHandlers(sources),
    ...deadLetterHandlers(sources),
    'status.agent': ({ identity }) => ({ json: agentStatus(wholeAgentOf(identity), sources) }),
    'status.node': () => ({ json: nodeStatus(sources) }),
    'node.join': async ({ body: { value } }) => {
      await joinRelay(joining, value);
      return { json: { node: value.name, relay: value.relay } };
    },
    'node.reidentify': async ({ body: { value } }) => {
      const { name, relayUrl } = await reidentify(joining, value);
      return { json: { node: name, relay: relayUrl } };
    },
  };
}

function agentHandlers({ agents }: StatusSources): HandlersOf<'agent'> {
  return {
    'agent.list': () => ({
      json: {
        agents: agents.list().map((agent) => ({
          name: agent.name,
          created_at: toTimestamp(agent.createdAtMs),
          tokens: agent.tokens.map(({ id, resource, createdAtMs }) => ({
            id,
            ...(resource !== null && { resource }),
            created_at: toTimestamp(createdAtMs),
          })),
        })),
      },
    }),
    'agent.create': ({ body }) => ({ json: tokenAnswer(agents.create(body.value.name)) }),
    'agent.token': ({ params, body }) => ({
      json: tokenAnswer(agents.addToken(params.agent, body.value.resource ?? null)),
    }),
    'agent.token.revoke': ({ params }) => {
      agents.revoke(params.agent, params.id);
      return {};
    },
  };
}

function tokenAnswer({ id, text, agent, resource }: IssuedToken): Record<string, string> {
  return { token: text, id, agent, ...(resource !== null && { resource }) };
}

function deadLetterHandlers({ agents, files, custody }: StatusSources): HandlersOf<'dead-letter'> {
  return {
    'dead-letter.list': () => ({
      json: { dead_letters: servingAgents({ agents, custody }).flatMap((agent) => deadLettersOf(files, agent)) },
    }),
    'dead-letter.retry': async ({ params: { agent, id } }) => {
      agents.assertExists(agent);
      await files.get(agent).retryDeadLetter(id);
      return {};
    },
    'dead-letter.drop': async ({ params: { agent, id } }) => {
      agents.assertExists(agent);
      await files.get(agent).dropDeadLetter(id);
      return {};
    },
  };
}

function deadLettersOf(files: AgentFiles, agent: string): Record<string, unknown>[] {
  const letters = readOrNone(() =>
    files.summary(agent).deadLetters === 0 ? [] : files.get(agent).outbox.deadLetters(),
  );
  return letters.map(({ rejectedAtMs, ...letter }) => ({ ...letter, agent, rejected_at: toTimestamp(rejectedAtMs) }));
}

// A file found damaged just now has its own place in the status; the others' letters are listed all the same.
function readOrNone<Item>(read: () => readonly Item[]): readonly Item[] {
  try {
    return read();
  } catch (error) {
    if (isHoldfastError(error)) return [];
    throw error;
  }
}
