import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

interface Waiter {
  readonly resolve: (reply: string | null) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A connection to Redis (RESP2), for what the bench asks: commands of strings, replies that are a line, a number or a
 * bulk string. Commands sent without waiting are answered in order.
 */
export class RedisConnection {
  readonly #socket: Socket;
  readonly #waiters: Waiter[] = [];
  #received = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (part: string) => this.#take(part));
    socket.on('close', () => this.#failAll(new Error('Redis closed the connection'))).on('error', () => undefined);
  }

  /** Connects. Rejects with Node's error. */
  static async open(port: number): Promise<RedisConnection> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new RedisConnection(socket);
  }

  /** Sends a command of ASCII strings; resolves with the reply, null for none. Rejects with an error reply. */
  send(...parts: readonly string[]): Promise<string | null> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      const encoded = parts.map((part) => `$${part.length}\r\n${part}\r\n`).join('');
      this.#socket.write(`*${parts.length}\r\n${encoded}`, 'latin1');
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(part: string): void {
    this.#received += part;
    let at = 0;
    for (let end = replyEnd(this.#received, at); end !== -1; end = replyEnd(this.#received, at)) {
      this.#answer(this.#received.slice(at, end));
      at = end;
    }
    this.#received = this.#received.slice(at);
  }

  #answer(reply: string): void {
    const waiter = this.#waiters.shift();
    const line = reply.slice(1, reply.indexOf('\r\n'));
    if (reply.startsWith('-')) waiter?.reject(new Error(`Redis: ${line}`));
    else if (reply === '$-1\r\n') waiter?.resolve(null);
    else if (reply.startsWith('$')) waiter?.resolve(reply.slice(reply.indexOf('\r\n') + 2, -2));
    else waiter?.resolve(line);
  }

  #failAll(error: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}

/** Where the reply that begins at `start` ends; -1 while it is not whole. */
function replyEnd(text: string, start: number): number {
  const lineEnd = text.indexOf('\r\n', start);
  if (lineEnd === -1) return -1;
  const length = text[start] === '$' ? Number(text.slice(start + 1, lineEnd)) : -1;
  const end = length < 0 ? lineEnd + 2 : lineEnd + 2 + length + 2;
  return end <= text.length ? end : -1;
}
