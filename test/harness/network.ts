import assert from 'node:assert/strict';

import { connect, connectRelay, type Holdfast, type HoldfastRelay } from '@holdfast/client';
import {
  eventually,
  type FaultProxy,
  startFaultProxy,
  temporaryDirectory,
  type TemporaryDirectory,
} from '@holdfast/testkit';

import { askHoldfast } from './command.ts';
import { Service } from './service.ts';
import { stablePort } from './stable-port.ts';

const LINK_LIMIT_MS = 60_000;

/** What a network is made of. */
export interface NetworkPlan {
  /** Agents by node. */
  readonly nodes: Readonly<Record<string, readonly string[]>>;
  /** The tenant the agents work in. Default none. */
  readonly resource?: string;
  readonly relayFlags?: readonly string[];
  readonly nodeFlags?: readonly string[];
  /** Where the data directory of a node, or of `relay`, stands: by its name. Default: all in one temporary directory. */
  readonly disks?: Readonly<Record<string, string>>;
}

/** An agent and its connection to its node, which never sends anything twice by itself. */
export interface Agent {
  readonly node: string;
  readonly agent: string;
  readonly resource: string;
  readonly client: Holdfast;
  /** Resolves once the agent's node runs. */
  readonly whenUp: () => Promise<void>;
}

/** A node of the network. */
export interface NetworkNode {
  readonly name: string;
  readonly service: Service;
  /** As the node's admin. */
  readonly admin: Holdfast;
}

/** A relay and nodes, each a process of its own, enrolled through a proxy that can break the way between them. */
export class Network implements AsyncDisposable {
  readonly home: TemporaryDirectory;
  readonly relay: Service;
  /** As the relay's admin, past the proxy. */
  readonly desk: HoldfastRelay;
  /** Between the nodes and the relay. */
  readonly proxy: FaultProxy;
  readonly nodes: readonly NetworkNode[];
  readonly #agents: Agent[] = [];
  readonly #resources: AsyncDisposableStack;

  /** Use `startNetwork`. */
  constructor(parts: Pick<Network, 'home' | 'relay' | 'desk' | 'proxy' | 'nodes'>, resources: AsyncDisposableStack) {
    this.home = parts.home;
    this.relay = parts.relay;
    this.desk = parts.desk;
    this.proxy = parts.proxy;
    this.nodes = parts.nodes;
    this.#resources = resources;
  }

  /** All agents made so far. */
  get agents(): readonly Agent[] {
    return this.#agents;
  }

  /** A node by its name. */
  node(name: string): NetworkNode {
    const found = this.nodes.find((node) => node.name === name);
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  }

  /** An agent by its name; of several, the first. */
  agent(name: string, node?: string): Agent {
    const found = this.#agents.find(({ agent, node: home }) => agent === name && (node ?? home) === home);
    if (found === undefined) throw new Error(`no agent ${name}`);
    return found;
  }

  /** Makes an agent on a node that runs. */
  async addAgent(node: string, agent: string, resource = ''): Promise<Agent> {
    const { admin, service } = this.node(node);
    const { token } = await admin.agents.create(agent);
    const client = connect({ url: service.url, token, retries: 0, ...(resource !== '' && { resource }) });
    this.#resources.use(client);
    const made = { node, agent, resource, client, whenUp: () => service.whenUp() };
    this.#agents.push(made);
    return made;
  }

  /** Enrols a node at the relay, through the proxy; resolves once they are in contact. */
  async join(node: string): Promise<void> {
    const { token } = await this.desk.invite({ node });
    await this.node(node).admin.node.join({ relay: this.proxy.url, token, name: node });
    await this.untilLink(node, 'open');
  }

  /** Waits until a node's link to the relay is in a state. */
  async untilLink(node: string, state: string): Promise<void> {
    const { admin } = this.node(node);
    await eventually(async () => assert.equal((await admin.node.status()).relay.state, state), {
      limitMs: LINK_LIMIT_MS,
    });
  }

  /** Kills every process and removes every file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** Starts a network: the relay, the nodes, joined, and their agents. */
export async function startNetwork(plan: NetworkPlan): Promise<Network> {
  const network = await startServices(plan);
  for (const [node, agents] of Object.entries(plan.nodes)) {
    await network.join(node);
    for (const agent of agents) await network.addAgent(node, agent, plan.resource);
  }
  return network;
}

/** Starts the relay and the nodes; nobody has joined, and there are no agents. */
export async function startServices(plan: NetworkPlan): Promise<Network> {
  const { nodes, relayFlags = [], nodeFlags = [], disks = {} } = plan;
  await using resources = new AsyncDisposableStack();
  const home = resources.use(await temporaryDirectory());
  const port = await stablePort();
  const proxy = resources.use(await startFaultProxy(port));
  // The proxy is another address of the relay: what comes over it says so in its Host.
  const hosts = ['--listen-hosts', new URL(proxy.url).host];
  const relay = resources.use(
    new Service({ kind: 'relay', name: 'relay', home, port, disk: disks['relay'], flags: [...hosts, ...relayFlags] }),
  );
  await askHoldfast(home, ['init', 'relay', ...relay.place]);
  const starting = Object.keys(nodes).map(async (name) => {
    const options = {
      kind: 'node',
      name,
      home,
      port: await stablePort(),
      disk: disks[name],
      flags: nodeFlags,
    } as const;
    const service = resources.use(new Service(options));
    await service.start();
    const admin = resources.use(connect({ url: service.url, token: service.adminToken }));
    return { name, service, admin };
  });
  const [started] = await Promise.all([Promise.all(starting), relay.start()]);
  const desk = resources.use(connectRelay({ url: relay.url, token: relay.adminToken }));
  return new Network({ home, relay, desk, proxy, nodes: started }, resources.move());
}
