import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { type FileKind, type FileReport, unreadable } from './report.ts';

const script = fileURLToPath(new URL('check-process.ts', import.meta.url));

/** Memory for objects in the checking process; a page of records needs a fraction of it. */
const HEAP_MEGABYTES = 128;

/** The least a check may take, and the slowest a disk is expected to be. */
const LEAST_TIME_MS = 120_000;
const SLOWEST_BYTES_PER_SECOND = 1_048_576;

/** How a file is checked. */
export interface CheckOptions {
  /** Ends the check and its process at once; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** How fast it reads at most, on average. Default: as fast as it goes. */
  readonly bytesPerSecond?: number;
  /** Whether to leave out what can be made anew from the records, which takes longest. Default: false. */
  readonly skipsDerived?: boolean;
}

/**
 * Checks a file (`checkFile`) in a process of its own, with bounded memory and time. Whatever becomes of that process,
 * there is a report: a check that crashed or took too long is `unreadable`. The path's database may be open here.
 */
export async function runCheck(path: string, kind: FileKind, options: CheckOptions = {}): Promise<FileReport> {
  const { signal, bytesPerSecond = Infinity, skipsDerived = false } = options;
  signal?.throwIfAborted();
  const limit = AbortSignal.timeout(timeLimitMs(path, bytesPerSecond));
  const args = [
    `--max-old-space-size=${HEAP_MEGABYTES}`,
    script,
    path,
    kind,
    String(bytesPerSecond),
    String(skipsDerived),
  ];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    killSignal: 'SIGKILL',
  });
  const [ended, output] = await Promise.allSettled([ending(child), outputOf(child)]);
  signal?.throwIfAborted();
  if (limit.aborted) return unreadable(kind, 'checking took too long');
  if (ended.status === 'rejected' || output.status === 'rejected') return unreadable(kind, 'no process to check with');
  const [code, killedBy] = ended.value;
  if (code !== 0) return unreadable(kind, `checking ended with ${String(killedBy ?? code)}`);
  return JSON.parse(output.value) as FileReport;
}

type Exit = readonly [code: number | null, killedBy: NodeJS.Signals | null];

// Without free file handles a child has no output at all: that must reject, not throw.
async function outputOf(child: ChildProcess): Promise<string> {
  return text(child.stdout as NodeJS.ReadableStream);
}

async function ending(child: ChildProcess): Promise<Exit> {
  const exit: readonly unknown[] = await once(child, 'close');
  return exit as Exit;
}

function timeLimitMs(path: string, bytesPerSecond: number): number {
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  // It is read three times: by SQLite as a whole, record by record, and for what is derived of the records.
  return LEAST_TIME_MS + Math.ceil((bytes / Math.min(SLOWEST_BYTES_PER_SECOND, bytesPerSecond)) * 3000);
}
