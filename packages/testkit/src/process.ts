import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** What to start, and how to see that it is ready. */
export interface StartOptions {
  /** Arguments of Node: a script's path, then the script's own. The child runs on the Node that runs the test. */
  readonly args: readonly string[];
  /** The first line on standard output that it matches says that the process is ready. */
  readonly ready: RegExp;
  /** Set on top of the test's own environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A program and its arguments that run Node, and so the script, under them. Default: nothing. */
  readonly under?: readonly string[];
}

/** How a process ended. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A real process. `await using` kills it (SIGKILL, by its process id) when the block ends. */
export interface RunningProcess extends AsyncDisposable {
  readonly pid: number;
  /** The line that said it was ready. */
  readonly readyLine: string;
  /** Resolves when it has ended, by itself or not. */
  readonly exited: Promise<ProcessExit>;
  /** Whole lines of standard output so far. After `exited`, all of them. */
  lines(): readonly string[];
  /** Resolves once there are `count` whole lines; rejects if the process ends before. */
  waitForLines(count: number): Promise<void>;
  /** Closes our end of its standard output, as `head` does once it has enough. No more lines arrive. */
  stopReading(): void;
  /** Sends a signal, SIGKILL if none is named, and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<ProcessExit>;
}

/** Starts Node with a script and waits until it is ready. Throws, with what it wrote, if it ends before. */
export async function startProcess(options: StartOptions): Promise<RunningProcess> {
  const [program = process.execPath, ...args] = [...(options.under ?? []), process.execPath, ...options.args];
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.environment },
  });
  const output = { text: '', errors: '', hasEnded: false };
  const exited = once(child, 'close').then(([code, signal]): ProcessExit => {
    output.hasEnded = true;
    return { code: code as number | null, signal: signal as NodeJS.Signals | null };
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.text += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.errors += text));
  const lines = (): string[] => output.text.split('\n').slice(0, -1);

  const waitFor = async <Found>(find: () => Found | undefined): Promise<Found> => {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (output.hasEnded) throw new Error(`the process ended early:\n${output.text}${output.errors}`);
      await Promise.race([once(child.stdout, 'data'), exited]);
    }
  };
  const kill = (signal: NodeJS.Signals = 'SIGKILL'): Promise<ProcessExit> => {
    if (!output.hasEnded) child.kill(signal);
    return exited;
  };
  const readyLine = await waitFor(() => lines().find((line) => options.ready.test(line)));
  if (child.pid === undefined) throw new Error('the process has no id');
  return {
    pid: child.pid,
    readyLine,
    exited,
    lines,
    waitForLines: async (count) => {
      await waitFor(() => (lines().length >= count ? true : undefined));
    },
    stopReading: () => void child.stdout.destroy(),
    kill,
    [Symbol.asyncDispose]: async () => {
      await kill();
    },
  };
}
