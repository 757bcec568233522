import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { checkFile } from '@holdfast/store';
import { injectedTimes, type Injection, straceCommand } from '@holdfast/testkit';

import { countCalls } from './count-calls.ts';
import { dumpRows } from './dump.ts';
import { type PointOperation, recover } from './operations.ts';

const PROCESS = fileURLToPath(new URL('operation-process.ts', import.meta.url));
const LIMIT_MS = 60_000;

/** A point no operation comes to: strace counts no further. */
const NEVER = 65_535;

/** An operation, how its file begins, and the files its steps make. */
export interface Rehearsal {
  readonly operation: PointOperation;
  /** What stands in the file after so many steps were answered. */
  readonly states: readonly string[];
  /** How often it makes each kind of call that changes the disk, in the thread that makes it most. */
  readonly calls: ReadonlyMap<string, number>;
  readonly begin: string;
}

/** What a fault did. */
export interface Trial {
  readonly fired: boolean;
  readonly problems: readonly string[];
}

/** Carries an operation out without any fault, once to each of its steps, to know what there must be and how much there is to try. */
export async function rehearse(operation: PointOperation, place: string): Promise<Rehearsal> {
  const begin = join(place, 'begin', operation.file);
  mkdirSync(dirname(begin), { recursive: true });
  await operation.prepare(begin);
  const states: string[] = [];
  const steps = operation.open(begin).steps.length;
  for (let step = 0; step <= steps; step += 1) {
    const path = freshCopy(operation, begin, join(place, 'rehearsal'));
    const { status, stderr } = await run([process.execPath, PROCESS, operation.name, dirname(path), String(step)]);
    if (status !== 0) throw new Error(`${operation.name} failed without a fault: ${stderr}`);
    if (existsSync(path)) await recover(operation, path);
    states.push(existsSync(path) ? dumpRows(path, operation.random) : '');
    if (existsSync(path)) await expectSound(operation, path);
  }
  const log = join(place, 'calls.log');
  const path = freshCopy(operation, begin, join(place, 'rehearsal'));
  await run(underStrace(operation, path, { effect: 'kill', at: NEVER }, log));
  return { operation, states, calls: countCalls(readFileSync(log, 'utf8')), begin };
}

/** Carries the operation out once more with a fault at one point, starts again without it, and compares. */
export async function tryPoint(rehearsal: Rehearsal, injection: Injection, place: string): Promise<Trial> {
  const { operation, states, begin } = rehearsal;
  const path = freshCopy(operation, begin, join(place, 'trial'));
  const log = join(place, 'calls.log');
  const { status, signal, stdout } = await run(underStrace(operation, path, injection, log));
  const fired = injectedTimes(readFileSync(log, 'utf8')) > 0;
  const answered = stdout.split('\n').filter((line) => line === 'answered').length;
  const problems: string[] = [];
  if (injection.effect !== 'kill' && signal !== null) problems.push(`it crashed: ${signal}`);
  if (!fired && status !== 0) problems.push('it failed without a fault');
  problems.push(...(await wrongAfter({ operation, states, path, answered })));
  return { fired, problems };
}

async function wrongAfter(end: {
  readonly operation: PointOperation;
  readonly states: readonly string[];
  readonly path: string;
  readonly answered: number;
}): Promise<readonly string[]> {
  const { operation, states, path, answered } = end;
  if (!existsSync(path)) return states[answered] === '' ? [] : ['the file is gone'];
  try {
    await recover(operation, path);
  } catch (error) {
    return [`it cannot be opened again: ${String(error)}`];
  }
  const report = await checkFile(path, operation.kind);
  const problems = report.problems.map(({ kind, detail }) => `${kind}: ${detail}`);
  const found = dumpRows(path, operation.random);
  const isExpected = [states[answered], states[answered + 1]].includes(found);
  return isExpected
    ? problems
    : [...problems, `after ${answered} answers: ${difference(states[answered] ?? '', found)}`];
}

/** A fault must not be blamed for what is wrong without it. */
async function expectSound({ name, kind }: PointOperation, path: string): Promise<void> {
  const { problems } = await checkFile(path, kind);
  const [first] = problems;
  if (first !== undefined) throw new Error(`${name} leaves a file that is not sound: ${first.kind}: ${first.detail}`);
}

function difference(expected: string, found: string): string {
  const [before, after] = [new Set(expected.split('\n')), new Set(found.split('\n'))];
  const tableOf = (row: string): string => row.split(' ', 1)[0] ?? '';
  const gone = [...before].filter((row) => !after.has(row)).map(tableOf);
  const more = [...after].filter((row) => !before.has(row)).map(tableOf);
  return `${gone.length} rows gone (${[...new Set(gone)].join(' ')}), ${more.length} more (${[...new Set(more)].join(' ')})`;
}

/** A directory with nothing in it but a copy of the file the operation begins with. */
function freshCopy(operation: PointOperation, begin: string, directory: string): string {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, operation.file);
  if (existsSync(begin)) copyFileSync(begin, path);
  return path;
}

function underStrace(operation: PointOperation, path: string, injection: Injection, log: string): readonly string[] {
  const command = [process.execPath, PROCESS, operation.name, dirname(path)];
  return [...straceCommand(injection, log), ...command];
}

interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run([program = '', ...args]: readonly string[]): Promise<Ended> {
  const child = spawn(program, args, { timeout: LIMIT_MS, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<Pick<Ended, 'status' | 'signal'>>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve({ status, signal }));
  });
  const [stdout, stderr, end] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { stdout, stderr, ...end };
}
