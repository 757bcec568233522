import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

import type { QueryReply, QueryRequest } from './messages.ts';

/** What a process that runs queries is started with. */
export interface ChildOptions {
  /** Path of the script. */
  readonly script: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Memory for objects; SQLite's own comes on top of it. */
  readonly heapMegabytes: number;
  /** Computing time after which the system ends the process, should its parent not be there to do it. Default: none. */
  readonly cpuSeconds?: number;
  /** A program and its arguments that run the process under them. Default: nothing. */
  readonly under?: readonly string[];
}

/** All of a process's memory that is not shared, SQLite's too; what a query sorts is in it. */
const DATA_KIBIBYTES = 1_048_576;

/**
 * Sets limits to itself and becomes the program: memory, computing time, and no byte may be written to any file (RLIMIT_FSIZE; what
 * is mapped, as readers of a WAL do, is no writing). Where a limit cannot be set, it goes without.
 */
const LIMITED = `for limit in "-d ${DATA_KIBIBYTES}" "-f 0" "-c 0" "-t $1"; do ulimit $limit 2>/dev/null; done; shift; exec "$@"`;

/** A process that runs queries. It is asked one thing at a time. */
export class QueryChild {
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  #hasEnded = false;
  #waiter: { readonly resolve: (reply: QueryReply) => void; readonly reject: (error: Error) => void } | undefined;

  constructor({ script, args, environment, heapMegabytes, under = [], cpuSeconds }: ChildOptions) {
    const node = [process.execPath, `--max-old-space-size=${heapMegabytes}`, script, ...args];
    const shell = ['/bin/sh', '-c', LIMITED, 'sh', String(cpuSeconds ?? 'unlimited'), ...node];
    const [program = '/bin/sh', ...rest] = [...under, ...shell];
    this.#process = spawn(program, rest, {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // As JSON, V8 would keep each short text in its table of names until a full collection: ids by the million.
      serialization: 'advanced',
      env: { ...environment },
    });
    this.#process.on('message', (reply) => {
      this.#waiter?.resolve(reply as QueryReply);
      this.#waiter = undefined;
    });
    // A message that could not be sent is told by the process's end.
    this.#process.on('error', () => this.#process.kill('SIGKILL'));
    this.#ended = this.#watchEnd();
  }

  /** Whether it still runs. */
  get isAlive(): boolean {
    return !this.#hasEnded;
  }

  /** Asks and waits for the reply. Rejects with `ChildEnded` if the process ends first. */
  ask(request: QueryRequest): Promise<QueryReply> {
    if (this.#hasEnded) return Promise.reject(new ChildEnded());
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.tell(request);
    });
  }

  /** Says something that has no reply. */
  tell(request: QueryRequest): void {
    // Without a callback a message to a process that has just ended would throw.
    if (this.#process.connected) this.#process.send(request, () => undefined);
  }

  /** Ends the process at once, whatever it does; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  async #watchEnd(): Promise<void> {
    await once(this.#process, 'close').catch(() => undefined);
    this.#hasEnded = true;
    this.#waiter?.reject(new ChildEnded());
    this.#waiter = undefined;
  }
}

/** The process ended before it answered. */
class ChildEnded extends Error {
  override readonly name = 'ChildEnded';
}
