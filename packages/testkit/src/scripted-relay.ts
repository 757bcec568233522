import { EventEmitter, once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';

/** One answer of a scripted relay. `half` declares the whole body and sends half of it; `hang` never answers. */
export type ScriptedAnswer =
  | {
      readonly kind: 'answer' | 'half';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** A string goes out as it is; anything else as JSON. */
      readonly body?: unknown;
    }
  | { readonly kind: 'hang' }
  | { readonly kind: 'reset' };

/** A request as it came, its body not decompressed. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An HTTP server that answers from a list, whatever is asked, and remembers what was asked. */
export class ScriptedRelay implements AsyncDisposable {
  readonly #server: Server;
  readonly #script: ScriptedAnswer[];
  readonly #arrivals = new EventEmitter();
  readonly #requests: ReceivedRequest[] = [];

  /** Use `startScriptedRelay`. */
  constructor(server: Server, script: readonly ScriptedAnswer[]) {
    this.#server = server;
    this.#script = [...script];
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.#receive(request, response);
    });
  }

  /** Where it listens: `http://127.0.0.1:<port>`. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the relay does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Requests so far, oldest first. */
  get requests(): readonly ReceivedRequest[] {
    return this.#requests;
  }

  /** Answers not given yet. A test that ends with some left did not meet all its faults. */
  get answersLeft(): number {
    return this.#script.length;
  }

  /** Adds answers to the end of the list. With an empty list every request gets 500 and no body. */
  add(...answers: readonly ScriptedAnswer[]): void {
    this.#script.push(...answers);
  }

  /** Resolves once `count` requests came in whole. */
  async received(count: number): Promise<void> {
    while (this.#requests.length < count) await once(this.#arrivals, 'request');
  }

  /** Closes every connection and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // The caller went away in mid-request: there is nobody to answer, and nothing that counts as received.
    }
    const { method = '', url = '', headers } = request;
    this.#requests.push({ method, path: url, headers, body: Buffer.concat(chunks) });
    answer(response, this.#script.shift() ?? { kind: 'answer', status: 500 });
    this.#arrivals.emit('request');
  }
}

/** Starts a scripted relay on a free port of 127.0.0.1. */
export async function startScriptedRelay(script: readonly ScriptedAnswer[]): Promise<ScriptedRelay> {
  const server = createServer();
  const relay = new ScriptedRelay(server, script);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return relay;
}

function answer(response: ServerResponse, scripted: ScriptedAnswer): void {
  if (scripted.kind === 'hang') return;
  if (scripted.kind === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  const { body = '' } = scripted;
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  response.writeHead(scripted.status, {
    'content-type': 'application/json',
    ...scripted.headers,
    'content-length': bytes.length,
  });
  if (scripted.kind === 'answer') response.end(bytes);
  else response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
}
