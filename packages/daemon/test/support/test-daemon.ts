import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { type DaemonOptions, startDaemon } from '@holdfast/daemon';
import { type NodeConfig, nodeOptions, type Now, resolveConfig } from '@holdfast/protocol';
import { temporaryDirectory, type TemporaryDirectory } from '@holdfast/testkit';
import { type Logger, pino } from 'pino';

import { HttpCaller, type HttpReply } from './http-call.ts';

/** JSON of whatever shape, as `JSON.parse` types it. */
export type AnyJson = ReturnType<typeof JSON.parse>;

/** What a test changes about its daemon. */
export interface TestDaemonOptions {
  /** Options by dotted key, over the defaults. */
  readonly config?: Readonly<Partial<Record<keyof NodeConfig, string | number>>>;
  readonly now?: Now;
  readonly monotonicMs?: () => number;
  /** A data directory to start in again; without it a fresh one, removed at the end. */
  readonly directory?: string;
  readonly log?: Logger;
  readonly calls?: DaemonOptions['calls'];
  readonly scrubAfterMs?: number;
}

/** What a test says of a request; the daemon's admin sends it unless a token is named. */
export interface TestCall {
  /** Null: none is sent. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** A string or Buffer goes out as it is, anything else as JSON. */
  readonly body?: unknown;
}

/** An answer with its body parsed. */
export interface TestReply extends HttpReply {
  /** The body as JSON; undefined if it is none. */
  readonly json: AnyJson;
  /** The body's lines as JSON, for NDJSON. */
  readonly lines: AnyJson[];
}

/** The configuration of a test's daemon: any free port, its socket in the data directory. */
export function testConfig(changes: TestDaemonOptions['config'] = {}): NodeConfig {
  const file = { 'listen.port': 0, ...changes };
  return resolveConfig('node', nodeOptions, { flags: {}, environment: {}, file }).values;
}

/** A real daemon in this process, with its admin and a way to talk to it. */
export class TestDaemon implements AsyncDisposable {
  readonly directory: string;
  readonly url: string;
  readonly socketPath: string | null;
  readonly adminToken: string;
  readonly #running: Awaited<ReturnType<typeof startDaemon>>;
  readonly #caller: HttpCaller;
  readonly #own: TemporaryDirectory | undefined;

  private constructor(
    running: Awaited<ReturnType<typeof startDaemon>>,
    directory: string,
    own: TemporaryDirectory | undefined,
  ) {
    this.#running = running;
    this.#own = own;
    this.directory = directory;
    this.url = running.url;
    this.socketPath = running.socketPath;
    this.adminToken = readFileSync(join(directory, 'admin.token'), 'utf8').trim();
    this.#caller = new HttpCaller(running.url);
  }

  /** Starts one. */
  static async start(options: TestDaemonOptions = {}): Promise<TestDaemon> {
    const own = options.directory === undefined ? await temporaryDirectory() : undefined;
    const directory = options.directory ?? own?.file('node') ?? '';
    const { now, monotonicMs, calls, scrubAfterMs, log = pino({ level: 'silent' }) } = options;
    const running = await startDaemon({
      config: testConfig(options.config),
      directory,
      log,
      version: '0.0.0-test',
      ...(now && { now }),
      ...(monotonicMs && { monotonicMs }),
      ...(calls && { calls }),
      ...(scrubAfterMs !== undefined && { scrubAfterMs }),
    });
    return new TestDaemon(running, directory, own);
  }

  /** Whether it says that it could do its work. */
  healthy(): Promise<boolean> {
    return this.#running.healthy();
  }

  /** `target` is method and raw path, such as `GET /v1/kv`. */
  async call(target: string, { token = this.adminToken, headers, body }: TestCall = {}): Promise<TestReply> {
    const [method = '', path = ''] = target.split(' ', 2);
    const sent = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const reply = await this.#caller.send({
      method,
      path,
      headers: { ...(token !== null && { authorization: `Bearer ${token}` }), ...headers },
      ...(sent !== undefined && { body: sent }),
    });
    return { ...reply, json: parsed(reply.text), lines: reply.text.split('\n').filter(Boolean).map(parsed) };
  }

  /** Makes an agent; returns its token. */
  async agent(name: string): Promise<string> {
    const { json } = await this.call('POST /v1/agents', { body: { name } });
    return json.token as string;
  }

  /** Makes a further token of an agent, bound to a resource; returns it. */
  async boundToken(agent: string, resource: string): Promise<string> {
    const { json } = await this.call(`POST /v1/agents/${agent}/tokens`, { body: { resource } });
    return json.token as string;
  }

  /** Stops the daemon; its data stays. */
  async stop(): Promise<void> {
    this.#caller.close();
    await this.#running.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#own?.[Symbol.asyncDispose]();
  }
}

function parsed(text: string): AnyJson {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
