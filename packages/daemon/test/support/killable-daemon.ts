import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { type RunningProcess, startProcess } from '@holdfast/testkit';

import { HttpCaller } from './http-call.ts';
import type { AnyJson } from './test-daemon.ts';

const script = new URL('../fixtures/daemon-process.ts', import.meta.url).pathname;

/** A daemon in a process of its own: killed, it leaves its files as they are at that moment. */
export class KillableDaemon implements AsyncDisposable {
  readonly #process: RunningProcess;
  readonly #caller: HttpCaller;
  readonly #admin: string;

  private constructor(running: RunningProcess, directory: string) {
    this.#process = running;
    this.#caller = new HttpCaller(running.readyLine.replace('ready ', ''));
    this.#admin = readFileSync(join(directory, 'admin.token'), 'utf8').trim();
  }

  /** Starts one. */
  static async start(directory: string): Promise<KillableDaemon> {
    const running = await startProcess({ args: [script, directory], ready: /^ready / });
    return new KillableDaemon(running, directory);
  }

  /** Sends a request as the admin, about an agent if one is named; gives the body. Throws for an answer that is an error. */
  async ask(target: string, { body, agent }: { body?: unknown; agent?: string } = {}): Promise<AnyJson> {
    const [method = '', path = ''] = target.split(' ', 2);
    const { status, text } = await this.#caller.send({
      method,
      path,
      headers: { authorization: `Bearer ${this.#admin}`, 'holdfast-agent': agent },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (status >= 400) throw new Error(`${target} was answered with ${status}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** Ends it as a power switch would end the process. */
  async kill(): Promise<void> {
    this.#caller.close();
    await this.#process.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
