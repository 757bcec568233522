import { readFileSync } from 'node:fs';

import { connect, connectRelay, type Holdfast } from '@holdfast/client';
import { type AskNode, type CallHandlers, type NodeCall, type RunningDaemon, startDaemon } from '@holdfast/daemon';
import { type Json, nodeOptions, relayOptions, resolveConfig } from '@holdfast/protocol';
import { initRelay, type RunningRelay, startRelay } from '@holdfast/relay';
import { eventually, type TemporaryDirectory, temporaryDirectory } from '@holdfast/testkit';
import { type Logger, pino } from 'pino';
import { expect } from 'vitest';

import { stablePort } from '../harness/stable-port.ts';

const LIMIT_MS = 60_000;

const silent = pino({ level: 'silent' });
const common = { log: silent, version: '0.0.0-test' };
const given = (file: Readonly<Record<string, number | string>>) => ({ flags: {}, environment: {}, file });

/** Starts a daemon that answers calls; resolves with what asks others. `stop.seconds` is longer than any test. */
export async function startCallee(
  directory: string,
  handlers: CallHandlers,
  log: Logger = silent,
): Promise<{ readonly daemon: RunningDaemon; readonly ask: AskNode }> {
  const file = { 'listen.port': 0, 'listen.socket': 'none', 'sync.heartbeatSeconds': 1, 'stop.seconds': 600 };
  const config = resolveConfig('node', nodeOptions, given(file)).values;
  let ask: AskNode | undefined;
  const calls = (asking: AskNode): CallHandlers => {
    ask = asking;
    return handlers;
  };
  const daemon = await startDaemon({ ...common, log, config, directory, calls });
  if (ask === undefined) throw new Error('the daemon did not make its handlers');
  return { daemon, ask };
}

/** A node of this process. */
export class CallNode implements AsyncDisposable {
  readonly name: string;
  readonly directory: string;
  readonly url: string;
  readonly admin: Holdfast;
  readonly #daemon: RunningDaemon;
  readonly #ask: AskNode;

  private constructor(name: string, directory: string, daemon: RunningDaemon, ask: AskNode) {
    this.name = name;
    this.directory = directory;
    this.url = daemon.url;
    this.#daemon = daemon;
    this.#ask = ask;
    const token = readFileSync(`${directory}/admin.token`, 'utf8').trim();
    this.admin = connect({ url: daemon.url, token });
  }

  /** Starts it in a directory, which may be one of a node that has run before. */
  static async start(
    name: string,
    directory: string,
    handlers: CallHandlers = {},
    log: Logger = silent,
  ): Promise<CallNode> {
    const { daemon, ask } = await startCallee(directory, handlers, log);
    return new CallNode(name, directory, daemon, ask);
  }

  /** Asks another node, in the name of an agent. */
  ask(node: string, call: string, body: Json, more: Partial<NodeCall> = {}): Promise<Json> {
    const asked = { node, agent: 'ada', resource: 'app:one', call, body, ...more };
    return this.#ask(asked, new AbortController().signal);
  }

  /** Whether it says that it can be called. */
  async takesCalls(): Promise<boolean> {
    return (await this.admin.node.status()).relay.takes_calls;
  }

  /** Resolves once it can be called. */
  async untilCallable(): Promise<void> {
    await eventually(async () => expect(await this.takesCalls()).toBe(true), { limitMs: LIMIT_MS });
  }

  async stop(): Promise<void> {
    await this.admin.close();
    await this.#daemon.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** A relay of this process, and the nodes that join it. */
export class CallNetwork implements AsyncDisposable {
  readonly home: TemporaryDirectory;
  readonly #port: number;
  readonly #nodes: CallNode[] = [];
  #relay: RunningRelay | undefined;

  private constructor(home: TemporaryDirectory, port: number) {
    this.home = home;
    this.#port = port;
  }

  /** Starts the relay. */
  static async start(): Promise<CallNetwork> {
    const network = new CallNetwork(await temporaryDirectory(), await stablePort());
    initRelay(network.home.file('relay'));
    await network.startRelay();
    return network;
  }

  async startRelay(): Promise<void> {
    const file = { 'listen.port': this.#port, 'stop.seconds': 600 };
    const config = resolveConfig('relay', relayOptions, given(file)).values;
    this.#relay = await startRelay({ ...common, config, directory: this.home.file('relay') });
  }

  async stopRelay(): Promise<void> {
    await this.#relay?.stop();
  }

  /** Where the relay listens. */
  get relayUrl(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** A join token for a new node. */
  async invite(node: string): Promise<string> {
    const url = this.#relay?.url;
    const token = readFileSync(this.home.file('relay/admin.token'), 'utf8').trim();
    await using desk = connectRelay({ url, token });
    return (await desk.invite({ node })).token;
  }

  /** Starts a node and joins it; resolves once it can be called. */
  async node(name: string, handlers: CallHandlers = {}, log: Logger = silent): Promise<CallNode> {
    const node = await CallNode.start(name, this.home.file(name), handlers, log);
    this.#nodes.push(node);
    await node.admin.node.join({ relay: this.#relay?.url ?? '', token: await this.invite(name), name });
    await node.untilCallable();
    return node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#nodes) await node.stop();
    await this.#relay?.stop();
    await this.home[Symbol.asyncDispose]();
  }
}
