import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** Where and with what a program runs. */
export interface RunOptions {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Runs a program to its end; gives what it wrote, both streams as they came. Throws with that unless it ends with 0. */
export async function runToEnd(
  program: string,
  args: readonly string[],
  { cwd, environment }: RunOptions,
): Promise<string> {
  // One pipe for both streams keeps their order.
  const command = ['-c', 'exec "$0" "$@" 2>&1', program, ...args];
  const child = spawn('/bin/sh', command, { cwd, env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  const [output, exitCode] = await Promise.all([text(child.stdout), exit]);
  if (exitCode !== 0) throw new Error(`${program} ended with ${exitCode}:\n${output}`);
  return output;
}
