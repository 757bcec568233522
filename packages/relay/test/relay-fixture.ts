import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  type Cursor,
  type Problem,
  PROTOCOL_VERSION,
  type Record as PublicRecord,
  type RelayConfig,
  relayRoutes,
  resolveConfig,
  services,
} from '@holdfast/protocol';
import { type Logger, pino } from 'pino';

import { BOOT, cursorAt, INCARNATION, makeChange, START_MS } from '../conformance/material.ts';
import { initRelay, type RunningRelay, startRelay } from '../src/index.ts';

/** The relay's defaults, on any free port. */
export function defaultConfig(changes: Partial<RelayConfig> = {}): RelayConfig {
  const { values } = resolveConfig('relay', services.relay, { flags: {}, environment: {}, file: {} });
  return { ...values, 'listen.port': 0, ...changes };
}

/** What a call is answered with. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  /** What the text says; undefined if it is no JSON object. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
}

/** One call. */
export interface CallOptions {
  readonly token?: string;
  /** JSON unless it is text or bytes already. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** A relay in this process, in a directory of its own, under a clock that stands still. */
export class TestRelay {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'holdfast-relay-'));
  readonly adminToken: string;
  /** What the relay takes for the time. */
  nowMs: number = START_MS;
  readonly #config: RelayConfig;
  #running: RunningRelay | undefined;

  constructor(changes: Partial<RelayConfig> = {}) {
    this.#config = defaultConfig(changes);
    this.adminToken = readFileSync(initRelay(this.directory).adminTokenFile, 'utf8').trim();
  }

  get running(): RunningRelay {
    if (this.#running === undefined) throw new Error('the relay was not started');
    return this.#running;
  }

  async start(log: Logger = pino({ level: 'silent' }), scrubAfterMs = 3_600_000): Promise<this> {
    const now = (): number => this.nowMs;
    const options = { config: this.#config, directory: this.directory, log, version: '0.0.0', now, scrubAfterMs };
    this.#running = await startRelay(options);
    return this;
  }

  async restart(): Promise<void> {
    await this.running.stop();
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.stop();
    rmSync(this.directory, { recursive: true });
  }

  /** Sends one request over a connection of its own; resolves when its answer begins. */
  open(method: string, path: string, { token, body, headers }: CallOptions = {}): Promise<IncomingMessage> {
    const text = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const all = {
      'holdfast-protocol': String(PROTOCOL_VERSION),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      ...headers,
    };
    const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    return new Promise((resolve, reject) => {
      const outgoing = request(new URL(path, this.running.url), { method, headers: sent, agent: false }, resolve);
      outgoing.on('error', reject);
      outgoing.end(text);
    });
  }

  /** Sends one request over a connection of its own. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Reply> {
    const answer = await this.open(method, path, options);
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    const received = Buffer.concat(chunks).toString();
    const isJson = /[/+]json\b/.test(answer.headers['content-type'] ?? '');
    const json = isJson && received.startsWith('{') ? (JSON.parse(received) as Reply['json']) : undefined;
    return { status: answer.statusCode ?? 0, headers: answer.headers, text: received, json };
  }

  /** Makes a token of a role. */
  async token(role: 'viewer' | 'operator' | 'admin'): Promise<string> {
    const reply = await this.call('POST', '/relay/tokens', { token: this.adminToken, body: { role, name: role } });
    return answerOf(relayRoutes.token, reply).token;
  }

  /** Makes a join token. */
  async invite(node: string, options: { readonly ttl?: number; readonly replaces?: boolean } = {}): Promise<string> {
    const body = { node, ...options };
    const reply = await this.call('POST', '/relay/join-tokens', { token: this.adminToken, body });
    return answerOf(relayRoutes.invite, reply).token;
  }

  /** Enrols a node; resolves with its credential. */
  async enrol(node: string): Promise<string> {
    const reply = await this.call('POST', '/relay/join', { token: await this.invite(node), body: { node } });
    return answerOf(relayRoutes.join, reply).credential;
  }

  /** Enrols a node and opens its session. */
  async node(name = 'htpc'): Promise<TestNode> {
    const node = new TestNode(this, await this.enrol(name));
    await node.session();
    return node;
  }
}

/** A batch as text, in whatever shape a test wants it. */
export interface RawBatch {
  readonly header?: object;
  readonly lines: readonly string[];
}

/** A node that talks to a relay by hand. */
export class TestNode {
  readonly relay: TestRelay;
  readonly credential: string;

  constructor(relay: TestRelay, credential: string) {
    this.relay = relay;
    this.credential = credential;
  }

  session(boot: string = BOOT, predecessors: readonly string[] = []): Promise<Reply> {
    return this.relay.call('POST', '/relay/session', { token: this.credential, body: { boot, predecessors } });
  }

  /** Sends change lines as a batch; the header fits them unless `header` says otherwise. */
  batch({ header, lines }: RawBatch, headers: CallOptions['headers'] = {}): Promise<Reply> {
    const body = batchText({ lines, ...(header && { header }) });
    return this.send(body, headers);
  }

  /** Sends a body to the batch call. */
  send(body: string | Buffer, headers: CallOptions['headers'] = {}): Promise<Reply> {
    const type = { 'content-type': 'application/x-ndjson', ...headers };
    return this.relay.call('POST', '/relay/batch', { token: this.credential, body, headers: type });
  }

  immediate(line: string | undefined, boot: string = BOOT): Promise<Reply> {
    const body = { boot, agent: 'recruiter', incarnation: INCARNATION, change: JSON.parse(line ?? 'null') as unknown };
    return this.relay.call('POST', '/relay/immediate', { token: this.credential, body });
  }

  /** Reads the digests of an agent. */
  buckets(agent = 'recruiter'): Promise<Reply> {
    return this.relay.call('GET', `/relay/agents/${agent}/digest`, { token: this.credential });
  }

  /** Reads a page of an agent; `query` with its question mark. */
  copyPage(query = '', agent = 'recruiter'): Promise<Reply> {
    return this.relay.call('GET', `/relay/agents/${agent}/records${query}`, { token: this.credential });
  }

  /** Where the relay stands in the node's one stream. */
  async cursor(): Promise<Cursor | undefined> {
    return answerOf(relayRoutes.session, await this.session()).streams[0]?.cursor;
  }
}

/** A batch body: a header, by default from seq 0 to the last line's, then the lines. */
export function batchText({ header, lines }: RawBatch): string {
  const fitting = { boot: BOOT, agent: 'recruiter', incarnation: INCARNATION, base: cursorAt(0), count: lines.length };
  const upto = header !== undefined && 'upto' in header ? header.upto : cursorOf(lines.at(-1));
  return [JSON.stringify({ ...fitting, upto, ...header }), ...lines, ''].join('\n');
}

/** Change lines of seqs from 1, each a record of its own. */
export function changeLines(count: number, from = 1): string[] {
  return Array.from({ length: count }, (_, index) => makeChange({ seq: from + index, doc: { n: from + index } }).line);
}

function cursorOf(line: string | undefined): Cursor {
  if (line === undefined) return cursorAt(0);
  const { seq, version } = JSON.parse(line) as Cursor;
  return { seq, version };
}

/** An answer as the contract of its call describes it; fails the test if it is not so. */
export function answerOf<Schema extends { parse(value: unknown): unknown }>(
  route: { readonly answer: { readonly schema: Schema } },
  { json }: Reply,
): ReturnType<Schema['parse']> {
  return route.answer.schema.parse(json) as ReturnType<Schema['parse']>;
}

/** The records a query answered with, and the token of the page after. */
export function pageOf(reply: Reply): { readonly records: readonly PublicRecord[]; readonly next: string | null } {
  const answer = answerOf(relayRoutes.query, reply);
  if ('records' in answer) return answer;
  throw new Error('the answer is no page of records');
}

/** A change line with some members changed, so that its hash does not fit any more. */
export function edited(line: string, members: object): string {
  return JSON.stringify({ ...(JSON.parse(line) as object), ...members });
}

/** What a log says, line by line, from which level on. */
export function listeningLog(level: 'trace' | 'warn'): { readonly log: Logger; readonly lines: readonly string[] } {
  const lines: string[] = [];
  return { log: pino({ level }, { write: (line: string) => void lines.push(line) }), lines };
}

/** The problem code of an answer; undefined for a success. */
export function codeOf({ json }: Reply): Problem['code'] | undefined {
  const problem: Partial<Problem> = json ?? {};
  return problem.code;
}
