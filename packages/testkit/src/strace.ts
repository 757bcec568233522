/** Calls by which SQLite and Node change what is on the disk. */
export const CHANGING_CALLS: readonly string[] = [
  'pwrite64',
  'fdatasync',
  'fsync',
  'ftruncate',
  'unlink',
  'rename',
  'mkdir',
  'link',
];

/** What happens at a system call. */
export interface Injection {
  /** `kill`: the process dies before the call is carried out; else the call fails with this error and does nothing. */
  readonly effect: 'kill' | 'EIO' | 'ENOSPC' | 'EROFS' | 'EMFILE';
  /** At which call it happens, counted from 1: each kind of call by itself, in each thread by itself. */
  readonly at: number;
  /** Whether it happens at every later one too. Default: only once. */
  readonly forEver?: boolean;
  /** Default `CHANGING_CALLS`. */
  readonly calls?: readonly string[];
  /** The one file whose calls are meant; it must be there before the program starts. Default: every file. */
  readonly file?: string;
}

/** Program and arguments to put before a command, so that it meets the fault; the calls are logged to a file. */
export function straceCommand(injection: Injection, logFile: string): readonly string[] {
  // The tracer is a process apart (-D): the one started is the command itself, and its end is the command's end. Every call
  // is stopped at, though few are meant: with strace's filter in the kernel no signal is sent.
  return ['strace', '-D', '-f', '-qq', '-o', logFile, ...injectionFlags(injection)];
}

/**
 * Program and arguments to put before a command, so that its calls of these kinds are logged to a file: with the path behind each
 * file descriptor, and with what was read or written, up to `dataBytes` of it.
 */
export function tracingCommand(calls: readonly string[], logFile: string, dataBytes: number): readonly string[] {
  return ['strace', '-D', '-f', '-qq', '-y', '-s', String(dataBytes), '-o', logFile, '-e', `trace=${calls.join(',')}`];
}

/** How often a fault happened, by the log of `straceCommand`. */
export function injectedTimes(log: string): number {
  return [...log.matchAll(/\(INJECTED\)|\+\+\+ killed by SIGKILL/g)].length;
}

function injectionFlags({ effect, at, forEver = false, calls = CHANGING_CALLS, file }: Injection): readonly string[] {
  const names = calls.join(',');
  const what = effect === 'kill' ? 'signal=SIGKILL' : `error=${effect}`;
  const files = file === undefined ? [] : ['-P', file];
  return [...files, '-e', `trace=${names}`, '-e', `inject=${names}:${what}:when=${at}${forEver ? '+' : ''}`];
}
