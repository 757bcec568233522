import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { connect, type Holdfast } from '@holdfast/client';
import { type RunningDaemon, startDaemon } from '@holdfast/daemon';
import { type NodeConfig, nodeOptions, resolveConfig } from '@holdfast/protocol';
import { eventually } from '@holdfast/testkit';
import { type Logger, pino } from 'pino';
import { expect } from 'vitest';

import { stablePort } from '../harness/stable-port.ts';
import type { CallNetwork } from '../other-node/call-network.ts';

const LIMIT_MS = 60_000;

/** What a test changes about its node. */
export interface LiveNodeOptions {
  readonly log?: Logger;
  readonly config?: Readonly<Record<string, string | number>>;
}

/** A node of this process, at an address that stays, and clients of its agents. `stop.seconds` is longer than any test. */
export class LiveNode implements AsyncDisposable {
  readonly admin: Holdfast;
  readonly #directory: string;
  readonly #config: NodeConfig;
  readonly #log: Logger;
  readonly #clients: Holdfast[] = [];
  #daemon: RunningDaemon;

  private constructor(parts: { directory: string; config: NodeConfig; log: Logger; daemon: RunningDaemon }) {
    this.#directory = parts.directory;
    this.#config = parts.config;
    this.#log = parts.log;
    this.#daemon = parts.daemon;
    this.admin = this.client(readFileSync(join(parts.directory, 'admin.token'), 'utf8').trim());
  }

  /** Starts it, of no relay. */
  static async start(
    directory: string,
    { log = pino({ level: 'silent' }), config }: LiveNodeOptions = {},
  ): Promise<LiveNode> {
    const file = {
      'listen.port': await stablePort(),
      'listen.socket': 'none',
      'sync.heartbeatSeconds': 1,
      'stop.seconds': 600,
      ...config,
    };
    const resolved = resolveConfig('node', nodeOptions, { flags: {}, environment: {}, file }).values;
    const daemon = await startDaemon({ config: resolved, directory, log, version: '0.0.0-test' });
    return new LiveNode({ directory, config: resolved, log, daemon });
  }

  /** Starts it, and joins it to a network; resolves once messages go to other nodes. */
  static async join(network: CallNetwork, name: string, options: LiveNodeOptions = {}): Promise<LiveNode> {
    const node = await LiveNode.start(network.home.file(name), options);
    await node.admin.node.join({ relay: network.relayUrl, token: await network.invite(name), name });
    await node.untilReach('network');
    return node;
  }

  /** Where it listens. */
  get url(): string {
    return this.#daemon.url;
  }

  /** A client with a token; closed with the node. */
  client(token: string, resource = ''): Holdfast {
    const client = connect({ url: this.url, token, resource });
    this.#clients.push(client);
    return client;
  }

  /** A client of an agent, which is made if it is not there. */
  async agent(name: string, resource = ''): Promise<Holdfast> {
    const isKnown = (await this.admin.agents.list()).some((agent) => agent.name === name);
    const { token } = isKnown ? await this.admin.agents.token(name) : await this.admin.agents.create(name);
    return this.client(token, resource);
  }

  /** Resolves once messages reach so far. */
  async untilReach(reach: 'network' | 'node'): Promise<void> {
    const agent = await this.agent('probe', 'probe');
    await eventually(async () => expect((await agent.channels.present('*')).reach).toBe(reach), { limitMs: LIMIT_MS });
  }

  /** Stops the daemon and starts it again at the same address. */
  async restart(): Promise<void> {
    await this.#daemon.stop();
    const options = { config: this.#config, directory: this.#directory, log: this.#log, version: '0.0.0-test' };
    this.#daemon = await startDaemon(options);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.#daemon.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
