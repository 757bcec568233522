import type { Json, PeerCallName } from '@holdfast/protocol';
import type { Idempotency } from '@holdfast/store';

import type { Agents } from '../agents.ts';
import type { Scope } from '../records.ts';

/** An agent as another one names it: `agent`, or `agent@node` for one of another node. */
export interface Peer {
  readonly agent: string;
  /** Null: this node. */
  readonly node: string | null;
}

/** How agents of this node and of others are reached. */
export interface Reach {
  /** Whether what agents of other nodes address to those of this one comes at once. */
  readonly hears: () => boolean;
  /** What this node is called; null: it has no relay, and so no name. */
  readonly thisNode: () => string | null;
  readonly agents: Pick<Agents, 'assertExists'>;
  /** Has another node do something for an agent of this one, at most once; the answer is as that node gave it. */
  readonly call: (asked: PeerCall, signal: AbortSignal) => Promise<Json>;
}

/** What another node is asked to do, and for which agent of this one. */
export interface PeerCall extends Scope {
  readonly node: string;
  readonly call: PeerCallName;
  readonly body: Json;
  /** See `NodeCall`. */
  readonly timeoutSeconds?: number;
}

/** An agent of another node that asks for something; the relay vouches for its node, and that node for the agent. */
export interface Visitor {
  readonly node: string;
  readonly agent: string;
  readonly resource: string;
}

/** Reads a peer's name; one of this node may be named with it. */
export function peerOf(name: string, { thisNode }: Pick<Reach, 'thisNode'>): Peer {
  const [agent = '', node = null] = name.split('@');
  return { agent, node: node === null || node === thisNode() ? null : node };
}

/** What an agent of this node is called here, in lists of agents too. */
export function namesHere(agent: string, thisNode: string | null): string[] {
  return [agent, '*', '*@*', ...(thisNode === null ? [] : [`${agent}@${thisNode}`, `*@${thisNode}`])];
}

/** What an agent of another node is called here, in lists of agents too. */
export function namesOfVisitor({ agent, node }: Visitor): string[] {
  return [`${agent}@${node}`, `*@${node}`, '*@*'];
}

/** What is asked, as it travels: what is undefined is left out. */
export function jsonOf(body: object): Json {
  return JSON.parse(JSON.stringify(body)) as Json;
}

/** An agent's key in the file of another one: it must not meet those of that agent, nor of others. */
export function keyedBy(agent: string, idempotency: Idempotency | undefined): Idempotency | undefined {
  return idempotency && { ...idempotency, key: `${agent} ${idempotency.key}` };
}
