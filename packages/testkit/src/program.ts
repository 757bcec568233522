import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** Runs a program of the machine to its end and gives what it wrote. Throws, with its complaint, unless it ends with 0. */
export async function runProgram(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [output, complaint, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${complaint.trim()}`);
  return output;
}
