import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { ErrorCode } from '@holdfast/protocol';

/** A request as the server got it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers one request; its body was read already. */
export type Step = (response: ServerResponse, request: Seen) => void;

/** Answers one request while its body still comes. */
export type RawHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server on this machine that plays a script. */
export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly seen: Seen[];
}

/** Plays one step for each request, in order; the last one again for all after it. */
export function scriptedServer(...steps: readonly Step[]): Promise<ScriptedServer> {
  const seen: Seen[] = [];
  return listen(seen, (request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (piece: string) => (body += piece));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const step = steps[Math.min(seen.length, steps.length - 1)];
      seen.push({ method, url, headers, body });
      step?.(response, { method, url, headers, body });
    });
  });
}

/** Hands every request to one handler as it comes. */
export function rawServer(handler: RawHandler, at: { readonly path?: string } = {}): Promise<ScriptedServer> {
  return listen([], handler, at.path);
}

async function listen(seen: Seen[], handler: RawHandler, path?: string): Promise<ScriptedServer> {
  const server = createServer(handler);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (path === undefined) server.listen(0, '127.0.0.1', resolve);
    else server.listen(path, resolve);
  });
  const address = server.address();
  return {
    url: isTcp(address) ? `http://127.0.0.1:${address.port}` : 'http://localhost',
    seen,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isTcp(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}

/** Answers with JSON. */
export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Step {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
  };
}

/** Answers with nothing. */
export function nothing(): Step {
  return (response) => {
    response.writeHead(204).end();
  };
}

/** Answers with a problem (RFC 9457). */
export function problem(
  status: number,
  code: ErrorCode,
  more: { retryable?: boolean; retryAfter?: string; issues?: unknown } = {},
): Step {
  const { retryable = false, retryAfter, issues } = more;
  return (response) => {
    response.writeHead(status, {
      'content-type': 'application/problem+json',
      ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
    });
    const body = { type: `urn:holdfast:error:${code}`, title: `T ${code}`, status, code, detail: 'D', remedy: 'R' };
    response.end(JSON.stringify({ ...body, retryable, requestId: 'r-1', issues }));
  };
}

/** Carries the request out, but its answer never arrives. */
export function lostAnswer(): Step {
  return (response) => {
    response.destroy();
  };
}

/** Sends the answer's beginning, then cuts the connection. */
export function cutAnswer(): Step {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('{"id":', () => response.destroy());
  };
}

/** Never answers. */
export function silence(): Step {
  return () => {};
}

/** What a write is answered with. */
export const written = { id: 'c-1', version: '0192f0c1a2b3-0001-7f3a9c21', seq: 7, ack: 'local' };
