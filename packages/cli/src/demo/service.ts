import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { connect, connectRelay } from '@holdfast/client';
import { renderConfigFile } from '@holdfast/protocol';

import { CommandError } from '../command-error.ts';
import type { ServiceName } from '../config/locations.ts';
import { readSecretFile } from '../endpoint.ts';
import { until } from './waiting.ts';

const START_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 8000;
const TAIL_LINES = 6;

const main = fileURLToPath(new URL('../main.mjs', import.meta.url));

/** Where a service of the demo lives. */
export interface ServiceOptions {
  /** Of the node, or `relay`; names its data directory, configuration file and log. */
  readonly name: string;
  readonly kind: ServiceName;
  /** The demo's folder; `logs` in it must exist. */
  readonly folder: string;
  /** Ends waits, when the demo is told to stop or has failed. */
  readonly signal: AbortSignal;
  /** Told when the process ends unasked. */
  readonly onCrash: (error: CommandError) => void;
}

/** A relay or node as a process of its own, run by the same commands a person would use. */
export class Service {
  readonly name: string;
  readonly directory: string;
  readonly logFile: string;
  readonly #options: ServiceOptions;
  readonly #configFile: string;
  #child: ChildProcess | undefined;
  #url: string | undefined;

  /** Writes the service's configuration file, so that none of the machine's own is taken. */
  constructor(options: ServiceOptions) {
    const { name, kind, folder } = options;
    this.name = name;
    this.directory = join(folder, name);
    this.logFile = join(folder, 'logs', `${name}.log`);
    this.#options = options;
    this.#configFile = join(folder, `${name}.yaml`);
    writeFileSync(this.#configFile, renderConfigFile(kind));
  }

  /** Where it listens; the same after every start. */
  get url(): string {
    if (this.#url === undefined) throw new Error(`${this.name} was not started`);
    return this.#url;
  }

  /** The process id; undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The secret `init` or the first start left in the data directory. */
  get adminToken(): string {
    return readSecretFile(join(this.directory, 'admin.token'));
  }

  /** The last lines of its log and where the rest is. */
  logTail(): string {
    if (!existsSync(this.logFile)) return `${this.name} has logged nothing.`;
    const lines = readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES);
    return [`Last lines of ${this.logFile}:`, ...lines.map((line) => `    ${line}`)].join('\n');
  }

  /** `holdfast init`: prepares the data directory. Throws CommandError. */
  async prepare(): Promise<void> {
    const child = this.#spawn(['init', this.#options.kind, '--if-missing']);
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new CommandError(`${this.name} could not be prepared`, this.logTail());
  }

  /** Starts the process; gives the milliseconds until it said it was ready. Throws CommandError. */
  async start(): Promise<number> {
    const startedAtMs = performance.now();
    const port = this.#url === undefined ? '0' : new URL(this.#url).port;
    const child = this.#spawn([this.#options.kind, '--listen-port', port]);
    this.#child = child;
    child.once('exit', () => {
      // Whoever ends it on purpose forgets it first.
      if (this.#child === child) this.#crashed();
    });
    this.#url = await this.#until('tell its address', async () => this.#ownUrl(child.pid));
    await this.#until('be ready', async () => (await this.#isReady()) || undefined);
    return performance.now() - startedAtMs;
  }

  /** Sends the signal, by process id, and waits for the end. After SIGTERM and too long a wait, SIGKILL. */
  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || hasEnded(child)) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const isEnded = await Promise.race([ended.then(() => true), sleep(STOP_LIMIT_MS, false, { ref: false })]);
    if (isEnded) return;
    child.kill('SIGKILL');
    await ended;
  }

  /** Ends the process without waiting. For when this process is about to end itself. */
  killNow(): void {
    const child = this.#child;
    this.#child = undefined;
    if (child !== undefined && !hasEnded(child)) child.kill('SIGKILL');
  }

  /** Lets the process run on when this one ends. */
  release(): void {
    this.#child?.unref();
    this.#child = undefined;
  }

  #spawn(args: readonly string[]): ChildProcess {
    const log = openSync(this.logFile, 'a');
    const { PATH, HOME, TMPDIR } = process.env;
    const child = spawn(process.execPath, [main, ...args, '--data-dir', this.directory, '--config', this.#configFile], {
      // Of the environment only what a process needs: HOLDFAST_… variables are meant for the machine's own services.
      env: { PATH, HOME, TMPDIR, NO_COLOR: '1' },
      stdio: ['ignore', log, log],
      // A process group of its own: Ctrl-C is for the demo, which then stops its services in order.
      detached: true,
    });
    closeSync(log);
    return child;
  }

  /** What `service.json` says, once this very process wrote it: one that was killed leaves its own behind. */
  #ownUrl(pid: number | undefined): string | undefined {
    const path = join(this.directory, 'service.json');
    if (!existsSync(path)) return undefined;
    const described = parseMapping(readFileSync(path, 'utf8'));
    return described['pid'] === pid && typeof described['url'] === 'string' ? described['url'] : undefined;
  }

  async #isReady(): Promise<boolean> {
    const options = { url: this.url, token: this.adminToken };
    await using client = this.#options.kind === 'relay' ? connectRelay(options) : connect(options);
    return (await client.ready()).ready;
  }

  #until<Found>(what: string, look: () => Promise<Found | undefined>): Promise<Found> {
    const wait = {
      what: `${this.name} to ${what}`,
      limitMs: START_LIMIT_MS,
      everyMs: 10,
      signal: this.#options.signal,
      evidence: () => this.logTail(),
    };
    return until(wait, look);
  }

  #crashed(): void {
    this.#child = undefined;
    this.#options.onCrash(new CommandError(`${this.name} ended unasked`, this.logTail()));
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Half-written text counts as nothing yet. */
function parseMapping(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
