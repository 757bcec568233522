import type { Holdfast, HoldfastRelay } from '@holdfast/client';

import { type Agent, Crew } from './crew.ts';
import { Ledger } from './ledger.ts';
import type { Stage } from './stage.ts';
import { type Role, roles } from './workload.ts';

/** All that a step of the demo may use. */
export interface Network {
  readonly stage: Stage;
  readonly relay: HoldfastRelay;
  /** By node name, as their admin. */
  readonly nodes: ReadonlyMap<string, Holdfast>;
  readonly agents: readonly Agent[];
  readonly crew: Crew;
  readonly ledger: Ledger;
  readonly signal: AbortSignal;
}

/** Starts the processes of a stage, the relay and the nodes at the same time. */
export async function startServices({
  relay,
  nodes,
}: Stage): Promise<{ relay_ms: number; nodes_ms: readonly number[] }> {
  await relay.prepare();
  const [relayMs = 0, ...nodesMs] = await Promise.all([relay, ...nodes].map((service) => service.start()));
  return { relay_ms: Math.round(relayMs), nodes_ms: nodesMs.map(Math.round) };
}

/** Joins the nodes to the relay, makes the agents, and puts them to work. */
export async function formNetwork(
  stage: Stage,
  signal: AbortSignal,
  onFailure: (error: unknown) => void,
): Promise<Network> {
  const relay = stage.connectRelay();
  const nodes = new Map(stage.nodes.map((service) => [service.name, stage.connectNode(service)]));
  for (const [name, node] of nodes) {
    const { token } = await relay.invite({ node: name });
    await node.node.join({ relay: stage.relay.url, name, token });
  }
  const agents = await Promise.all(roles.map((role) => employ(stage, nodes, role)));
  const ledger = new Ledger();
  const crew = new Crew({ agents, ledger, signal, onFailure });
  crew.begin();
  return { stage, relay, nodes, agents, crew, ledger, signal };
}

async function employ(stage: Stage, nodes: ReadonlyMap<string, Holdfast>, role: Role): Promise<Agent> {
  const made = await nodes.get(role.node)?.agents.create(role.agent);
  if (made === undefined) throw new Error(`no node ${role.node}`);
  return { ...role, client: stage.connectAgent(stage.node(role.node), role.agent, made.token) };
}
