import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';

/** How a tool ended. */
export interface ToolResult {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/**
 * Runs the program of an installed package in `root` on the Node this runs on. Gives what it printed, without colours,
 * whatever its exit code; throws only if it cannot be started.
 */
export async function runTool(root: string, packageName: string, args: readonly string[]): Promise<ToolResult> {
  const folder = join(root, 'node_modules', packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly bin: string | Readonly<Record<string, string>>;
  };
  const program = typeof bin === 'string' ? bin : (bin[packageName] ?? Object.values(bin)[0]);
  if (program === undefined) throw new Error(`package ${packageName} has no program`);
  return runProgram(root, process.execPath, [join(folder, program), ...args]);
}

/** Runs a program in `root`. Gives what it printed, without colours; throws only if it cannot be started. */
export async function runProgram(root: string, program: string, args: readonly string[]): Promise<ToolResult> {
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, output: stripVTControlCharacters(output), errors: stripVTControlCharacters(errors) };
}
