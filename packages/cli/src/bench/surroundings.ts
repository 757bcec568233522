import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { CommandError } from '../command-error.ts';

/** Characters of a process's last words that a failure quotes. */
const QUOTED_CHARACTERS = 600;

/** A process the bench started. */
export interface BenchProcess {
  readonly pid: number;
  /** Resolves with its first whole line on standard output. Throws CommandError if it ends before. */
  readonly firstLine: Promise<string>;
  /** Throws CommandError, with its last words, if it has ended. */
  assertRunning(): void;
  /** Ends it by SIGTERM, or by another signal, and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** The name of one of the bench's own process scripts. */
export type ProcessScript =
  | 'bare-server'
  | 'bulk-writer'
  | 'channel-load'
  | 'defences'
  | 'fill-relay'
  | 'first-open'
  | 'load-generator'
  | 'lock-cycles'
  | 'plain-iterate'
  | 'plain-loop'
  | 'pouchdb-server'
  | 'redis-load'
  | 'sql-timer'
  | 'stream-reader';

const scripts: Readonly<Record<ProcessScript, URL>> = {
  'bare-server': new URL('./processes/bare-server.ts', import.meta.url),
  'bulk-writer': new URL('./processes/bulk-writer.ts', import.meta.url),
  'channel-load': new URL('./processes/channel-load.ts', import.meta.url),
  defences: new URL('./processes/defences.ts', import.meta.url),
  'fill-relay': new URL('./processes/fill-relay.ts', import.meta.url),
  'first-open': new URL('./processes/first-open.ts', import.meta.url),
  'load-generator': new URL('./processes/load-generator.ts', import.meta.url),
  'lock-cycles': new URL('./processes/lock-cycles.ts', import.meta.url),
  'plain-iterate': new URL('./processes/plain-iterate.ts', import.meta.url),
  'plain-loop': new URL('./processes/plain-loop.ts', import.meta.url),
  'pouchdb-server': new URL('./processes/pouchdb-server.ts', import.meta.url),
  'redis-load': new URL('./processes/redis-load.ts', import.meta.url),
  'sql-timer': new URL('./processes/sql-timer.ts', import.meta.url),
  'stream-reader': new URL('./processes/stream-reader.ts', import.meta.url),
};

/** The absolute path of one of the bench's own process scripts. */
export function processScript(name: ProcessScript): string {
  return fileURLToPath(scripts[name]);
}

/** A temporary directory and the processes that work in it; disposing ends and removes all of it. */
export class Surroundings implements AsyncDisposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  readonly #children = new Set<ChildProcess>();
  readonly #onSignal = (): void => {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 3 });
    process.exit(1);
  };

  constructor() {
    process.once('SIGINT', this.#onSignal).once('SIGTERM', this.#onSignal);
  }

  /** Starts a program. Node's own scripts are `start(process.execPath, [script, …])`. */
  start(program: string, args: readonly string[]): BenchProcess {
    const child = spawn(program, args, {
      cwd: this.directory,
      env: this.#environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.add(child);
    const ended = once(child, 'close').finally(() => this.#children.delete(child));
    ended.catch(() => undefined);
    const lastWords = keepLastWords(child);
    if (child.pid === undefined)
      throw new CommandError(`${program} could not be started`, 'Check that it is installed.');
    const endedEarly = (): CommandError => failure(program, args, lastWords());
    const firstLine = readFirstLine(child, endedEarly);
    firstLine.catch(() => undefined);
    const assertRunning = (): void => {
      if (child.exitCode !== null || child.signalCode !== null) throw endedEarly();
    };
    const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
      child.kill(signal);
      await ended;
    };
    return { pid: child.pid, firstLine, assertRunning, stop };
  }

  /** Runs one of the bench's scripts to its end: a plan in, a result out, both JSON. Throws CommandError if it fails. */
  async run<Result>(script: ProcessScript, plan: unknown): Promise<Result> {
    const args = [processScript(script), JSON.stringify(plan)];
    const child = spawn(process.execPath, args, {
      cwd: this.directory,
      env: this.#environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.add(child);
    const [, output, words] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
    this.#children.delete(child);
    if (child.exitCode !== 0) throw failure(script, [], words);
    return JSON.parse(output) as Result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('SIGINT', this.#onSignal).off('SIGTERM', this.#onSignal);
    await Promise.all(
      [...this.#children].map(async (child) => {
        const ended = once(child, 'close');
        child.kill('SIGKILL');
        await ended;
      }),
    );
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 3 });
  }

  /** Ours without what would change a service's behaviour, or what a service would take from the user's own set-up. */
  #environment(): NodeJS.ProcessEnv {
    const kept = Object.entries(process.env).filter(
      ([name]) => !/^(HOLDFAST_|NODE_OPTIONS$|NOTIFY_SOCKET$)/.test(name),
    );
    return {
      ...Object.fromEntries(kept),
      NODE_ENV: 'production',
      XDG_CONFIG_HOME: this.directory,
      XDG_STATE_HOME: this.directory,
    };
  }
}

function keepLastWords(child: ChildProcess): () => string {
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (part: string) => (words = (words + part).slice(-QUOTED_CHARACTERS)));
  return () => words;
}

async function readFirstLine(child: ChildProcess, onEnd: () => CommandError): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = '';
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      // Later output is read and dropped, so that the process never waits for us.
      if (line.includes('\n')) return;
      line += part;
      if (line.includes('\n')) resolve(line.slice(0, line.indexOf('\n')));
    });
    child.once('error', reject).once('close', () => reject(onEnd()));
  });
}

function failure(program: string, args: readonly string[], words: string): CommandError {
  const shown = [program, ...args].join(' ').slice(0, QUOTED_CHARACTERS);
  return new CommandError(`${shown} ended early: ${words.trim().slice(-QUOTED_CHARACTERS)}`, 'Nothing was measured.');
}
