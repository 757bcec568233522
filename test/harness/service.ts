import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { renderConfigFile } from '@holdfast/protocol';
import { type RunningProcess, startProcess, type TemporaryDirectory } from '@holdfast/testkit';

/** The `holdfast` command. */
export const holdfastMain: string = fileURLToPath(new URL('../../packages/cli/src/main.mjs', import.meta.url));

/** How a process ended. */
export type Exit = Awaited<RunningProcess['exited']>;

/** Which service, and where. */
export interface ServiceOptions {
  readonly kind: 'relay' | 'node';
  /** Names its data directory in `home`. */
  readonly name: string;
  readonly home: TemporaryDirectory;
  /** Where its data directory stands instead. */
  readonly disk?: string | undefined;
  /** The same over every start; see `stablePort`. */
  readonly port: number;
  readonly flags?: readonly string[];
}

/** A relay or node as a process of its own, run by the command a person would use. It can be killed and started again. */
export class Service implements AsyncDisposable {
  readonly directory: string;
  readonly url: string;
  readonly #options: ServiceOptions;
  readonly #configFile: string;
  #process: RunningProcess | undefined;
  #lastExit: Exit | undefined;
  #up: PromiseWithResolvers<void> = pending();

  /** Starts nothing. The service gets a configuration file of its own, so that none of this machine's is taken. */
  constructor(options: ServiceOptions) {
    const { home, kind, name, port, disk = home.path } = options;
    this.#options = options;
    this.directory = join(disk, name);
    this.url = `http://127.0.0.1:${port}`;
    this.#configFile = home.file(`${name}.yaml`);
    writeFileSync(this.#configFile, renderConfigFile(kind));
  }

  /** The admin token that `init` or the first start left in the data directory. */
  get adminToken(): string {
    return readFileSync(join(this.directory, 'admin.token'), 'utf8').trim();
  }

  /** The process id while it runs. */
  get pid(): number {
    if (this.#process === undefined) throw new Error(`${this.#options.name} does not run`);
    return this.#process.pid;
  }

  /** Whether it runs, as far as is known. */
  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** What `service.json` says; undefined if there is none. */
  get description(): { readonly pid: number; readonly url: string } | undefined {
    const path = join(this.directory, 'service.json');
    if (!existsSync(path)) return undefined;
    return JSON.parse(readFileSync(path, 'utf8')) as { pid: number; url: string };
  }

  /** Command line flags that name this service, for `holdfast` commands. */
  get place(): readonly string[] {
    return ['--data-dir', this.directory, '--config', this.#configFile];
  }

  /** What Node is started with to run it. */
  get command(): readonly string[] {
    const { kind, port, flags = [] } = this.#options;
    return [holdfastMain, kind, ...this.place, '--listen-port', String(port), ...flags];
  }

  /** Log entries of the process that runs now, oldest first. */
  log(): readonly Readonly<Record<string, unknown>>[] {
    const lines = this.#process?.lines() ?? [];
    return lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  }

  /** Resolves at once while it runs, else as soon as it runs again; rejects if it ended unasked. */
  whenUp(): Promise<void> {
    return this.#up.promise;
  }

  /**
   * Starts it, under another program if one is given; resolves once it serves. Throws, with what it wrote, if it ends
   * before.
   */
  async start(under: readonly string[] = []): Promise<void> {
    const { home } = this.#options;
    const started = await startProcess({
      under,
      args: [...this.command, '--log-format', 'json'],
      ready: /"msg":"serving"/,
      environment: { HOME: home.path, NO_COLOR: '1' },
    });
    this.#process = started;
    this.#lastExit = undefined;
    void started.exited.then((exit) => this.#noteEnd(started, exit));
    this.#up.resolve();
  }

  /** Resolves with how it ends, or ended, unasked since it was started last; undefined when it was asked to. */
  async ended(): Promise<Exit | undefined> {
    return this.#process === undefined ? this.#lastExit : this.#process.exited;
  }

  /** Sends a signal by process id and waits for the end. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<Exit> {
    const ending = this.#process;
    if (ending === undefined) throw new Error(`${this.#options.name} does not run`);
    this.#process = undefined;
    this.#up = pending();
    return ending.kill(signal);
  }

  /** Kills it if it runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process !== undefined) await this.end('SIGKILL');
  }

  #noteEnd(ended: RunningProcess, exit: Exit): void {
    if (this.#process !== ended) return;
    this.#lastExit = exit;
    this.#process = undefined;
    this.#up = pending();
    this.#up.reject(new Error(`${this.#options.name} ended unasked:\n${ended.lines().slice(-5).join('\n')}`));
  }
}

function pending(): PromiseWithResolvers<void> {
  const up = Promise.withResolvers<void>();
  // Whoever waits is told; if nobody does, that is no crash of the test.
  up.promise.catch(() => undefined);
  return up;
}
