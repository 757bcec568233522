import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/main.mjs', import.meta.url));

/** How a run of the command ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a run is given besides its arguments. */
export interface Given {
  readonly environment?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Where it runs; default: where the test does. */
  readonly directory?: string;
  /** A stream whose reader is gone from the start; nothing of it is in `Ended`. */
  readonly unread?: 'stdout' | 'stderr';
}

/** Runs the real command in a process of its own, with a home directory of its own and nothing else inherited. */
export async function runHoldfast(args: readonly string[], given: Given = {}): Promise<Ended> {
  const home = mkdtempSync(join(tmpdir(), 'holdfast-home-'));
  try {
    const child = spawn(process.execPath, [main, ...args], {
      env: { PATH: process.env['PATH'], HOME: home, NO_COLOR: '1', ...given.environment },
      cwd: given.directory,
    });
    child.stdin.end(given.stdin ?? '');
    if (given.unread !== undefined) child[given.unread].destroy();
    const read = (name: 'stdout' | 'stderr'): string | Promise<string> =>
      name === given.unread ? '' : text(child[name]);
    const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
    const [stdout, stderr, exitCode] = await Promise.all([read('stdout'), read('stderr'), exit]);
    return { exitCode, stdout, stderr };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Does `work` with a directory of its own, removed afterwards. */
export async function inTemporaryDirectory<Result>(
  work: (directory: string) => Promise<Result> | Result,
): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-cli-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
