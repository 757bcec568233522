import { readFileSync } from 'node:fs';

import { CommandError } from '../command-error.ts';

/** Linux counts processor time in hundredths of a second (`sysconf(_SC_CLK_TCK)`) on every architecture Node runs on. */
const TICKS_A_SECOND = 100;

/** Fields of `/proc/<pid>/stat` after the command's name (proc(5)): time in user mode and in the kernel. */
const OWN_FIELDS = [11, 12];

/** Likewise, of the children that have ended and were waited for. */
const CHILD_FIELDS = [13, 14];

/** Fields of the first line of `/proc/stat` in which a processor works: all but idle, waiting for I/O, and guests. */
const BUSY_FIELDS = [1, 2, 3, 6, 7, 8];

/** Processor time a process has taken so far, over all its threads, in seconds. */
export function cpuSeconds(pid: number): number {
  return sumOfTicks(statFields(pid), OWN_FIELDS);
}

/**
 * Processor time that this process and its children which have ended took so far, and that of the whole machine. The
 * growth of the second beyond the first is what others took; some of it the kernel's own work for us.
 */
export function machineCpuSeconds(): { readonly ours: number; readonly all: number } {
  const fields = readProcessFile('stat').split('\n', 1)[0]?.split(/\s+/) ?? [];
  return {
    ours: sumOfTicks(statFields(process.pid), [...OWN_FIELDS, ...CHILD_FIELDS]),
    all: sumOfTicks(fields, BUSY_FIELDS),
  };
}

/** Memory of a process that is in RAM: now, and at its highest. In megabytes of 10^6 bytes. */
export function residentMegabytes(pid: number): { readonly now: number; readonly peak: number } {
  const text = readProcessFile(`${pid}/status`);
  const megabytes = (name: string): number => {
    const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    return (Number(kibibytes) * 1024) / 1e6;
  };
  return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') };
}

function statFields(pid: number): readonly string[] {
  const text = readProcessFile(`${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function sumOfTicks(fields: readonly string[], wanted: readonly number[]): number {
  return wanted.reduce((sum, field) => sum + Number(fields[field]), 0) / TICKS_A_SECOND;
}

function readProcessFile(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, 'utf8');
  } catch {
    throw new CommandError(`/proc/${name} cannot be read`, 'The bench needs Linux, and processes that go on running.');
  }
}
