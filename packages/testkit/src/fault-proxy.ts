import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What goes wrong on the way. Bytes are counted on each connection from the moment the fault was set.
 *
 * - `refuse`: connections, also those that are open, are reset.
 * - `cut-request`: reset after so many bytes of requests passed.
 * - `drop-answer`: the request passes; reset when the answer begins, so that its effect happened and nobody was told.
 * - `truncate-answer`: reset after so many bytes of answers passed.
 * - `delay`: every piece of an answer comes so much later.
 * - `stall`: requests are swallowed; connections stay open.
 */
export type Fault =
  | { readonly kind: 'refuse' }
  | { readonly kind: 'cut-request'; readonly afterBytes: number }
  | { readonly kind: 'drop-answer' }
  | { readonly kind: 'truncate-answer'; readonly afterBytes: number }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'stall' };

/** The name of a fault. */
export type FaultKind = Fault['kind'];

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
  requestBytes: number;
  answerBytes: number;
}

/** A TCP proxy on 127.0.0.1 that passes everything until it is told what shall go wrong. */
export class FaultProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #links = new Set<Link>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #fired: Record<FaultKind, number> = {
    refuse: 0,
    'cut-request': 0,
    'drop-answer': 0,
    'truncate-answer': 0,
    delay: 0,
    stall: 0,
  };
  #fault: Fault | undefined;
  #timesLeft = 0;

  /** Use `startFaultProxy`. */
  constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.#targetPort = targetPort;
    server.on('connection', (client: Socket) => this.#accept(client));
  }

  /** The port it listens on. */
  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    return address.port;
  }

  /** Where it listens, for HTTP: `http://127.0.0.1:<port>`. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** How often each fault has happened. A fault test asserts that the ones it set are not 0. */
  get fired(): Readonly<Record<FaultKind, number>> {
    return this.#fired;
  }

  /** From now on this goes wrong, `times` times and then no more; without `times`, until told otherwise. */
  set(fault: Fault, times: number = Number.POSITIVE_INFINITY): void {
    this.#fault = fault;
    this.#timesLeft = times;
    for (const link of this.#links) {
      link.requestBytes = 0;
      link.answerBytes = 0;
      if (fault.kind === 'refuse') this.#reset(link);
    }
  }

  /** From now on everything passes. What a stall swallowed stays lost: its connections are reset. */
  heal(): void {
    if (this.#fault?.kind === 'stall') for (const link of this.#links) this.#reset(link);
    this.#fault = undefined;
  }

  /** Resets every connection and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const link of this.#links) this.#reset(link);
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    if (this.#fault?.kind === 'refuse') {
      this.#fire('refuse');
      client.on('error', ignore).resetAndDestroy();
      return;
    }
    const upstream = connect({ host: '127.0.0.1', port: this.#targetPort, noDelay: true });
    const link: Link = { client: client.setNoDelay(true), upstream, requestBytes: 0, answerBytes: 0 };
    this.#links.add(link);
    client.on('error', ignore).on('close', () => this.#reset(link));
    upstream.on('error', () => this.#reset(link));
    client.on('data', (bytes: Buffer) => this.#passRequest(link, bytes));
    upstream.on('data', (bytes: Buffer) => this.#passAnswer(link, bytes));
    client.on('end', () => upstream.end());
    upstream.on('end', () => this.#afterDelay(() => client.end()));
  }

  #passRequest(link: Link, bytes: Buffer): void {
    const fault = this.#fault;
    const before = link.requestBytes;
    link.requestBytes += bytes.length;
    if (fault?.kind === 'stall') {
      this.#fire('stall');
    } else if (fault?.kind === 'cut-request' && link.requestBytes >= fault.afterBytes) {
      this.#cut(link, link.upstream, bytes.subarray(0, fault.afterBytes - before));
    } else {
      pass(bytes, link.client, link.upstream);
    }
  }

  #passAnswer(link: Link, bytes: Buffer): void {
    const fault = this.#fault;
    const before = link.answerBytes;
    link.answerBytes += bytes.length;
    if (fault?.kind === 'drop-answer') {
      this.#cut(link, link.client, Buffer.alloc(0));
    } else if (fault?.kind === 'truncate-answer' && link.answerBytes >= fault.afterBytes) {
      this.#cut(link, link.client, bytes.subarray(0, fault.afterBytes - before));
    } else {
      this.#afterDelay(() => pass(bytes, link.upstream, link.client));
      if (fault?.kind === 'delay') this.#fire('delay');
    }
  }

  /** Lets the last bytes through, then resets the connection. */
  #cut(link: Link, to: Socket, lastBytes: Buffer): void {
    if (this.#fault !== undefined) this.#fire(this.#fault.kind);
    this.#links.delete(link);
    link.client.pause();
    link.upstream.pause();
    to.write(lastBytes, () => {
      link.client.destroy();
      link.upstream.destroy();
    });
  }

  #afterDelay(action: () => void): void {
    if (this.#fault?.kind !== 'delay') {
      action();
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, this.#fault.ms);
    this.#timers.add(timer);
  }

  #fire(kind: FaultKind): void {
    this.#fired[kind] += 1;
    this.#timesLeft -= 1;
    if (this.#timesLeft <= 0) this.#fault = undefined;
  }

  #reset(link: Link): void {
    if (!this.#links.delete(link)) return;
    link.client.destroy();
    link.upstream.destroy();
  }
}

/** Starts a proxy on a free port of 127.0.0.1 to a port of the same address. */
export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  // Half-open connections pass as they are: one side may have ended while the other still answers.
  const server = createServer({ allowHalfOpen: true });
  const proxy = new FaultProxy(server, targetPort);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return proxy;
}

function pass(bytes: Buffer, from: Socket, to: Socket): void {
  if (to.destroyed || to.write(bytes)) return;
  from.pause();
  to.once('drain', () => from.resume());
}

// A reset is what the proxy is for: the sockets' own errors say nothing more.
function ignore(): void {
  // Nothing to do: 'close' follows.
}
