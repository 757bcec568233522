import { chmod, lstat, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { HoldfastError } from '@holdfast/protocol';

import { rawProblem } from './raw-problem.ts';

/** Where a service listens: TCP, or a unix socket. */
export type ListenAt = { readonly host: string; readonly port: number } | { readonly path: string };

/** What the listeners need. */
export interface ListenersOptions {
  readonly connections: number;
  readonly stopMs: number;
  readonly onRequest: (request: IncomingMessage, response: ServerResponse, isSocket: boolean) => void;
}

const HEADERS_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;
const CHECK_MS = 1_000;
/** How long a client that sent no HTTP is given to read why it was refused. */
const FAREWELL_MS = 1_000;
/** How often connections that fell idle are closed while stopping. */
const SWEEP_MS = 20;

/** The Node http servers of one service: all share its way of answering, and stop together. */
export class Listeners {
  readonly #options: ListenersOptions;
  readonly #servers = new Set<Server>();
  /** The open connections, each with its latest answer; undefined: it has not sent a request yet. */
  readonly #connections = new Map<Duplex, ServerResponse | undefined>();

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  /** Starts listening on TCP; answers with the real port. Rejects with Node's error, such as EADDRINUSE. */
  async listenTcp(host: string, port: number): Promise<{ readonly host: string; readonly port: number }> {
    const server = this.#make(false);
    await started(server, { host, port });
    this.#servers.add(server);
    // Listening on TCP, so it is no pipe name and not null.
    return { host, port: (server.address() as AddressInfo).port };
  }

  /**
   * Starts listening on a unix socket that only its owner may use. A socket file nobody listens on any more is
   * replaced. Rejects with Node's error, such as EADDRINUSE.
   */
  async listenSocket(path: string): Promise<{ readonly path: string }> {
    const server = this.#make(true);
    try {
      await started(server, { path });
    } catch (error) {
      if (!isInUse(error) || !(await isAbandoned(path))) throw error;
      await unlink(path);
      await started(server, { path });
    }
    this.#servers.add(server);
    await chmod(path, 0o600);
    return { path };
  }

  /** Accepts no more, lets requests under way finish for `stopMs`, cuts the rest. Resolves when all is closed. */
  async stop(): Promise<void> {
    const { stopMs } = this.#options;
    const closed = [...this.#servers].map((server) => new Promise((resolve) => server.close(resolve)));
    const sweeper = setInterval(() => this.#closeIdle(), SWEEP_MS);
    const deadline = setTimeout(() => {
      for (const server of this.#servers) server.closeAllConnections();
    }, stopMs);
    await Promise.all(closed);
    clearInterval(sweeper);
    clearTimeout(deadline);
  }

  #make(isSocket: boolean): Server {
    const server = createServer({
      // A missing Host is ours to answer; Node's own 400 says nothing.
      requireHostHeader: false,
      headersTimeout: HEADERS_MS,
      // Bodies have their own clocks: streams may last for hours.
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: CHECK_MS,
    });
    server.maxConnections = this.#options.connections;
    // Node takes a connection for idle whose answer is ended and not yet on its way, and would cut it off in `close`.
    server.closeIdleConnections = () => this.#closeIdle();
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      this.#connections.set(request.socket, response);
      this.#options.onRequest(request, response, isSocket);
    };
    server.on('request', onRequest);
    server.on('checkContinue', onRequest);
    server.on('connection', (socket) => this.#welcome(socket));
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#rebuff(error, socket));
    return server;
  }

  #welcome(socket: Socket): void {
    this.#connections.set(socket, undefined);
    socket.once('close', () => this.#connections.delete(socket));
  }

  #closeIdle(): void {
    for (const [socket, answer] of this.#connections) {
      if (answer === undefined || answer.writableFinished) socket.destroy();
    }
  }

  /** Answers what is no HTTP, unless that would fall into the middle of another answer. */
  #rebuff(error: NodeJS.ErrnoException, socket: Duplex): void {
    const answer = this.#connections.get(socket);
    const isOtherUnderWay =
      answer !== undefined && !answer.writableFinished && (answer.headersSent || answer.req.complete);
    if (!socket.writable || isOtherUnderWay || error.code === 'ECONNRESET') return void socket.destroy();
    socket.end(rawProblem(refusal(error.code)));
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), FAREWELL_MS);
    socket.once('close', () => clearTimeout(timer));
  }
}

function refusal(code: string | undefined): HoldfastError {
  if (code === 'HPE_HEADER_OVERFLOW') return new HoldfastError('headers-too-large', 'the headers are over 16 KiB');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new HoldfastError('request-timeout', 'the headers took too long');
  if (code === 'HPE_INVALID_EOF_STATE') return new HoldfastError('body-incomplete', 'the request ended early');
  return new HoldfastError('bad-http', 'the request is not valid HTTP/1.1');
}

function started(server: Server, at: ListenAt): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

/** Whether this is a socket file, and nobody answers on it any more. */
async function isAbandoned(path: string): Promise<boolean> {
  if (!(await lstat(path)).isSocket()) return false;
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
