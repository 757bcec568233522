import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';

import {
  type Document,
  limits,
  nodeOptions,
  type Problem,
  recordId,
  resolveConfig,
  type Role,
  type Route,
  type ServiceConfig,
} from '@holdfast/protocol';
import { type Logger, pino } from 'pino';
import { Registry } from 'prom-client';
import { z } from 'zod';

import {
  type Answer,
  type Check,
  createService,
  type Handlers,
  type Identity,
  type Lines,
  makeToken,
  parseToken,
  type Routes,
  type ServerEvent,
  type Service,
  tokenMatches,
} from '../src/index.ts';

const anything = z.unknown();
const params = { id: recordId };

const contract = {
  'doc.put': {
    method: 'PUT',
    path: '/docs/{id}',
    summary: 'Echo a document',
    roles: ['agent'],
    params,
    query: z.strictObject({ ttl: z.coerce.number().int().optional(), note: z.string().optional() }),
    body: { kind: 'document' },
    status: 200,
    answer: { kind: 'json', schema: anything },
    errors: [],
  },
  'doc.get': {
    method: 'GET',
    path: '/docs/{id}',
    summary: 'Answer with the id',
    roles: ['agent'],
    params,
    status: 200,
    answer: { kind: 'document' },
    errors: ['record-not-found'],
  },
  'doc.patch': {
    method: 'PATCH',
    path: '/docs/{id}',
    summary: 'Echo a patch',
    roles: ['agent'],
    params,
    body: { kind: 'patch' },
    status: 200,
    answer: { kind: 'json', schema: anything },
    errors: [],
  },
  'doc.delete': {
    method: 'DELETE',
    path: '/docs/{id}',
    summary: 'Nothing to say',
    roles: ['agent', 'admin'],
    params,
    status: 204,
    answer: { kind: 'none' },
    errors: [],
  },
  'name.create': {
    method: 'POST',
    path: '/names',
    summary: 'Echo checked JSON',
    roles: ['agent'],
    body: { kind: 'json', schema: z.strictObject({ name: z.string().min(1) }) },
    status: 201,
    answer: { kind: 'json', schema: anything },
    errors: [],
  },
  lines: {
    method: 'POST',
    path: '/lines',
    summary: 'Count lines',
    roles: ['agent'],
    body: { kind: 'ndjson', lines: anything },
    status: 200,
    answer: { kind: 'json', schema: anything },
    errors: [],
  },
  both: {
    method: 'POST',
    path: '/both',
    summary: 'Echo JSON as JSON, lines as lines; a line `"stop"` ends the answer, `"fail"` breaks it',
    roles: ['agent'],
    body: { kind: 'json-or-ndjson', schema: z.array(anything), lines: anything },
    status: 200,
    answer: { kind: 'json-or-ndjson', schema: anything, lines: anything },
    errors: [],
  },
  events: {
    method: 'GET',
    path: '/events',
    summary: 'Whatever the test makes of it',
    roles: ['agent'],
    headers: { 'Last-Event-ID': 'From where to go on' },
    status: 200,
    answer: { kind: 'events', schema: z.string() },
    errors: [],
  },
  wait: {
    method: 'GET',
    path: '/wait',
    summary: 'Answer when told to',
    roles: ['agent'],
    status: 200,
    answer: { kind: 'none' },
    errors: [],
  },
  fail: {
    method: 'GET',
    path: '/fail',
    summary: 'A bug of ours',
    roles: ['agent'],
    status: 200,
    answer: { kind: 'none' },
    errors: [],
  },
} as const satisfies Record<string, Route>;

/** A small contract with one route for every kind of body and answer. */
export const routes: Routes = contract;

/** What a test may change. */
export interface Settings {
  readonly config?: Partial<ServiceConfig>;
  readonly checks?: Readonly<Record<string, Check>>;
  readonly logLevel?: string;
  /** What `GET /events` is answered with. */
  readonly events?: (lastEventId: string | undefined, signal: AbortSignal) => AsyncIterable<ServerEvent>;
}

/** A running service with what tests look at. */
export class ServiceUnderTest implements AsyncDisposable {
  readonly service: Service;
  readonly port: number;
  readonly tokens: Readonly<Record<'agent' | 'admin' | 'join', string>>;
  /** Log lines, parsed. */
  readonly logged: Record<string, unknown>[];
  readonly gate: Gate;

  /** Takes a token back. */
  readonly revoke: (role: 'agent' | 'admin' | 'join') => void;

  constructor(parts: Pick<ServiceUnderTest, 'service' | 'port' | 'tokens' | 'logged' | 'gate' | 'revoke'>) {
    this.service = parts.service;
    this.port = parts.port;
    this.tokens = parts.tokens;
    this.logged = parts.logged;
    this.gate = parts.gate;
    this.revoke = parts.revoke;
  }

  /** The headers of an ordinary request with a JSON body. */
  get headers(): Record<string, string> {
    return { authorization: `Bearer ${this.tokens.agent}`, 'content-type': 'application/json' };
  }

  /** The first lines of a request written by hand. */
  head(line: string, ...more: string[]): string {
    const lines = [`${line} HTTP/1.1`, `host: 127.0.0.1:${this.port}`, `authorization: Bearer ${this.tokens.agent}`];
    return [...lines, ...more, '', ''].join('\r\n');
  }

  ask(method: string, path: string, options: AskOptions = {}): Promise<Reply> {
    return ask({ port: this.port, method, path, headers: this.headers, ...options });
  }

  connect(): Promise<Wire> {
    return Wire.open(this.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.gate.open();
    await this.service.stop();
  }
}

/** Holds `GET /wait` back, and tells of its calls. */
export class Gate {
  readonly #opened = Promise.withResolvers<void>();
  readonly #arrived = Promise.withResolvers<AbortSignal>();

  open(): void {
    this.#opened.resolve();
  }

  /** The signal of the first call that waits. */
  get arrived(): Promise<AbortSignal> {
    return this.#arrived.promise;
  }

  async pass(signal: AbortSignal): Promise<void> {
    this.#arrived.resolve(signal);
    await this.#opened.promise;
  }
}

function handlersOf(gate: Gate, events: NonNullable<Settings['events']>): Handlers<typeof contract, Identity> {
  return {
    'doc.put': ({ params: { id }, query, body }) => ({ json: { id, query, text: body.text } }),
    'doc.get': ({ params: { id } }) => ({ text: JSON.stringify(id), headers: { etag: '"v1"' } }),
    'doc.patch': ({ body }) => ({ json: (body satisfies Document).value }),
    'doc.delete': () => ({}),
    'name.create': ({ body }) => ({ json: body.value, headers: { location: `/names/${body.value.name}` } }),
    lines: async ({ body }) => ({ json: await count(body.lines) }),
    both: ({ body }): Answer => (body.kind === 'json' ? { json: body.value } : { ndjson: echo(body.lines) }),
    events: ({ header, signal }) => ({ events: events(header('last-event-id'), signal) }),
    wait: async ({ signal }) => {
      await gate.pass(signal);
      return { json: 'waited' };
    },
    fail: () => {
      throw new Error('the secret cause');
    },
  };
}

async function* noEvents(): AsyncGenerator<ServerEvent> {
  // Ends at once.
}

async function count(lines: Lines): Promise<{ lines: number; bytes: number; last: number }> {
  const sum = { lines: 0, bytes: 0, last: 0 };
  for await (const group of lines) {
    for (const { number, text } of group) {
      sum.lines += 1;
      sum.bytes += text.length;
      sum.last = number;
    }
  }
  return sum;
}

async function* echo(lines: Lines): AsyncGenerator<string> {
  for await (const group of lines) {
    for (const { text } of group) {
      if (text === '"fail"') throw new Error('broken on purpose');
      yield `${text}\n`;
      if (text === '"stop"') return;
    }
  }
}

/** Starts a service on a free loopback port. */
export async function start(settings: Settings = {}): Promise<ServiceUnderTest> {
  const gate = new Gate();
  const logged: Record<string, unknown>[] = [];
  const made = { agent: makeToken(), admin: makeToken(), join: makeToken() };
  const byId = new Map(
    Object.entries(made).map(([role, token]) => [token.id, { role: role as Role, hash: token.hash }]),
  );
  const hosts = new Set<string>();
  const service = createService({
    name: 'Test service',
    version: '1.2.3',
    description: 'For tests',
    routes: contract,
    handlers: handlersOf(gate, settings.events ?? noEvents),
    authenticate: (text) => {
      const parsed = parseToken(text);
      const known = parsed && byId.get(parsed.id);
      return parsed && tokenMatches(parsed.secret, known?.hash) ? known : undefined;
    },
    config: { ...defaults(), ...settings.config },
    log: logInto(logged, settings.logLevel ?? 'warn'),
    metrics: new Registry(),
    allowedHosts: () => hosts,
    checks: settings.checks ?? {},
  });
  const { port } = await service.listen({ host: '127.0.0.1', port: 0 });
  hosts.add(`127.0.0.1:${port}`);
  const tokens = { agent: made.agent.token, admin: made.admin.token, join: made.join.token };
  const revoke = (role: keyof typeof made): void => void byId.delete(made[role].id);
  return new ServiceUnderTest({ service, port, tokens, logged, gate, revoke });
}

function defaults(): ServiceConfig {
  return resolveConfig('node', nodeOptions, { flags: {}, environment: {}, file: undefined }).values;
}

function logInto(lines: Record<string, unknown>[], level: string): Logger {
  return pino({ level }, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
}

/** What a request may have. */
export interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly socketPath?: string;
}

/** An answer. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends one request on a connection of its own. */
export async function ask(options: AskOptions & { port?: number; method: string; path: string }): Promise<Reply> {
  const { body, ...rest } = options;
  const outgoing = request({ host: '127.0.0.1', agent: false, ...rest });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, text: Buffer.concat(chunks).toString() };
}

/** The problem in an answer. */
export function problemOf(reply: Reply): Problem {
  if (reply.headers['content-type'] !== 'application/problem+json') throw new Error(`no problem: ${reply.text}`);
  return JSON.parse(reply.text) as Problem;
}

/** A bare connection, for requests no client would send. */
export class Wire implements Disposable {
  readonly socket: Socket;
  #received = '';

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      socket.emit('received');
    });
    // A reset shows as a close without an answer.
    socket.on('error', () => undefined);
  }

  static async open(port: number): Promise<Wire> {
    const socket = connect({ host: '127.0.0.1', port });
    const wire = new Wire(socket);
    await once(socket, 'connect');
    return wire;
  }

  /** All that came so far. */
  get received(): string {
    return this.#received;
  }

  send(bytes: string | Buffer): this {
    this.socket.write(bytes);
    return this;
  }

  /** Waits until what came matches. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#received)) {
      if (this.socket.closed) throw new Error(`closed before ${String(pattern)}: ${this.#received}`);
      await Promise.race([once(this.socket, 'received'), once(this.socket, 'close')]);
    }
    return this.#received;
  }

  /** Waits for the end of the connection. */
  async closed(): Promise<string> {
    if (!this.socket.closed) await once(this.socket, 'close');
    return this.#received;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** A document a little over the limit of a body. */
export const oversized: string = JSON.stringify('x'.repeat(limits.bodyBytes + limits.recordBytes));
