import { once } from 'node:events';
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';

/** A request as it is to go out: nothing about it is tidied up on the way. */
export interface HttpCall {
  readonly method: string;
  /** The raw request target. */
  readonly path: string;
  /** A value of undefined leaves out a header that would be sent by default. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Buffer;
}

/** An answer, its body read whole. */
export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A plain HTTP client for tests: unlike fetch it sends any Host, Origin and path as given. */
export class HttpCaller {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #target: { readonly host: string; readonly port: number } | { readonly socketPath: string };

  /** `target`: a base URL, or the path of a unix socket. */
  constructor(target: string) {
    const url = URL.parse(target);
    this.#target = url === null ? { socketPath: target } : { host: url.hostname, port: Number(url.port) };
  }

  /** Sends a request. Rejects when there is no whole answer. */
  async send({ method, path, headers = {}, body }: HttpCall): Promise<HttpReply> {
    const outgoing = request({ ...this.#target, agent: this.#agent, method, path });
    if (body !== undefined) outgoing.setHeader('content-type', 'application/json');
    for (const [name, value] of Object.entries(headers)) {
      if (value === undefined) outgoing.removeHeader(name);
      else outgoing.setHeader(name, value);
    }
    outgoing.end(body);
    return readReply(outgoing);
  }

  /** Closes its connections. */
  close(): void {
    this.#agent.destroy();
  }
}

/** Waits for the answer to a request that was sent. */
export async function readReply(outgoing: ReturnType<typeof request>): Promise<HttpReply> {
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    text: Buffer.concat(chunks).toString('utf8'),
  };
}
