import type { IncomingMessage, ServerResponse } from 'node:http';

import { inBurst } from './burst.ts';
import type { Answer } from './call.ts';
import { drained } from './drained.ts';

/** How long, and how much of, a body nobody wants is taken in, so that its sender gets the answer. */
const LINGER_MS = 5_000;
const LINGER_BYTES = 32 * 1024 * 1024;
/** Answers above it may not fit into the system's buffers: then they lie in memory until the client takes them. */
const LARGE_BYTES = 64 * 1024;

/** What `send` must know besides the answer. */
export interface SendOptions {
  /** Used when the answer names none. */
  readonly status: number;
  /** Whether this is the connection's last answer. */
  readonly close: boolean;
  /** Whether the client still waits for `100 Continue` and has not sent its body. */
  readonly bodyHeldBack: boolean;
  /** A client that takes nothing of its answer for so long is cut off. */
  readonly stallMs: number;
  /** Called once nothing more of the body will be read. */
  readonly closeBody: () => void;
}

/**
 * Sends an answer and resolves when it is on its way, which may be before the client has it. If part of the
 * body has not come yet, the connection closes after the answer, once a bounded rest was taken in: closing at once
 * would reset the connection, and the client might never see the answer.
 *
 * Rejects with what an NDJSON answer throws; if its head was not sent yet, another answer can still be.
 */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  options: SendOptions,
): Promise<void> {
  if (answer.ndjson !== undefined) {
    await sendLines(response, answer.ndjson, { ...options, ...answer });
    request.socket.setTimeout(options.stallMs);
    options.closeBody();
    return endLines(request, response);
  }
  options.closeBody();
  const status = answer.status ?? options.status;
  const text = answer.text ?? (answer.json === undefined ? '' : JSON.stringify(answer.json));
  const pending = isBodyPending(request);
  const headers = headOf(answer.headers, options.close || pending);
  const bytes = Buffer.byteLength(text);
  if (status !== 204 && status !== 304) headers.push('content-length', String(bytes));
  if (text !== '' && answer.headers?.['content-type'] === undefined) headers.push('content-type', 'application/json');
  response.writeHead(status, headers);
  if (bytes > LARGE_BYTES) request.socket.setTimeout(options.stallMs);
  if (!pending || options.bodyHeldBack)
    return inBurst(() => response.end(text, bytes === text.length ? 'latin1' : 'utf8'));
  response.write(text);
  await discard(request);
  response.end();
}

/**
 * Breaks off an answer that was begun: what was written arrives, and the missing end tells the client that it is not
 * whole. There is no other way left to say so.
 */
export async function breakOff(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (isBodyPending(request)) await discard(request);
  response.socket?.destroySoon();
}

async function sendLines(
  response: ServerResponse,
  pieces: AsyncIterable<string>,
  { status, headers, close, stallMs }: Omit<Answer, 'status'> & SendOptions,
): Promise<void> {
  let hasHead = false;
  for await (const piece of pieces) {
    if (!hasHead) writeLinesHead(response, status, headOf(headers, close));
    hasHead = true;
    if (response.destroyed) return;
    if (!response.write(piece)) await drained(response, stallMs);
  }
  if (!hasHead) writeLinesHead(response, status, headOf(headers, close));
}

/** The head is out and could not promise to close: a body that still comes is cut off here instead. */
async function endLines(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (isBodyPending(request)) await discard(request);
  const { socket } = response;
  response.end(() => {
    if (!request.complete) socket?.destroySoon();
  });
}

function writeLinesHead(response: ServerResponse, status: number, headers: string[]): void {
  response.writeHead(status, [...headers, 'content-type', 'application/x-ndjson']);
}

/** The answer's own headers, flat, as Node takes them. */
export function headOf(headers: Readonly<Record<string, string>> | undefined, close: boolean): string[] {
  const head: string[] = [];
  for (const name in headers) head.push(name, headers[name] ?? '');
  if (close) head.push('connection', 'close');
  return head;
}

/** Whether the client is still sending, or was going to. */
function isBodyPending(request: IncomingMessage): boolean {
  if (request.complete || request.destroyed) return false;
  const { headers } = request;
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

function discard(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    const settle = (): void => {
      clearTimeout(timer);
      request.off('data', count).off('end', settle).off('close', settle);
      request.pause();
      resolve();
    };
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > LINGER_BYTES) settle();
    };
    const timer = setTimeout(settle, LINGER_MS);
    request.on('data', count).on('end', settle).on('close', settle).resume();
  });
}
