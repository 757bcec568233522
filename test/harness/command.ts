import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

import type { TemporaryDirectory } from '@holdfast/testkit';

import { holdfastMain } from './service.ts';

/** How a command ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `holdfast` to its end, with a home directory of its own and nothing else inherited. */
export async function runHoldfast(home: TemporaryDirectory, args: readonly string[], stdin = ''): Promise<Ended> {
  const child = spawn(process.execPath, [holdfastMain, ...args], {
    env: { PATH: process.env['PATH'], HOME: home.path, NO_COLOR: '1' },
  });
  child.stdin.end(stdin);
  const exit = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { exitCode, stdout, stderr };
}

/** Runs a command with `--json` and gives its answer. Throws, with what it wrote, unless it ends with 0. */
export async function askHoldfast<Answer>(
  home: TemporaryDirectory,
  args: readonly string[],
  stdin?: string,
): Promise<Answer> {
  const { exitCode, stdout, stderr } = await runHoldfast(home, [...args, '--json'], stdin);
  if (exitCode !== 0) throw new Error(`holdfast ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
  return JSON.parse(stdout) as Answer;
}
