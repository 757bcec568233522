import { readFileSync } from 'node:fs';

import { CommandError } from '../command-error.ts';

/** Linux counts processor time in hundredths of a second (`sysconf(_SC_CLK_TCK)`) on every architecture Node runs on. */
const TICKS_A_SECOND = 100;

/** Fields of `/proc/<pid>/stat` after the command's name (proc(5)): time in user mode and in the kernel. */
const USER_FIELD = 11;
const SYSTEM_FIELD = 12;

/** Processor time a process has taken so far, over all its threads, in seconds. */
export function cpuSeconds(pid: number): number {
  const text = readProcess(pid, 'stat');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[USER_FIELD]) + Number(fields[SYSTEM_FIELD])) / TICKS_A_SECOND;
}

/** Memory of a process that is in RAM: now, and at its highest. In megabytes of 10^6 bytes. */
export function residentMegabytes(pid: number): { readonly now: number; readonly peak: number } {
  const text = readProcess(pid, 'status');
  const megabytes = (name: string): number => {
    const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    return (Number(kibibytes) * 1024) / 1e6;
  };
  return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') };
}

function readProcess(pid: number, file: 'stat' | 'status'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    throw new CommandError(`process ${pid} cannot be looked at through /proc`, 'The bench needs Linux.');
  }
}
