import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { fakeTimeLibrary } from './fake-time.ts';

/** What a fault needs of the machine. */
export type Need = 'root' | 'strace' | 'loop device' | 'prlimit' | 'faketime';

/** What the machine lacks of it, as sentences; empty: it can be done here. */
export function lacking(needs: readonly Need[]): readonly string[] {
  return needs.flatMap((need) => missing[need]());
}

/** Whether tests of `what` cannot run here; says so on standard error, with the reasons. */
export function mustSkip(what: string, needs: readonly Need[]): boolean {
  const reasons = lacking(needs);
  if (reasons.length > 0) process.stderr.write(`SKIPPED ${what}: ${reasons.join('; ')}\n`);
  return reasons.length > 0;
}

const missing: Readonly<Record<Need, () => readonly string[]>> = {
  root: () => (process.getuid?.() === 0 ? [] : ['it needs root: it mounts file systems']),
  strace: () => withoutPrograms('strace'),
  prlimit: () => withoutPrograms('prlimit'),
  faketime: () => (fakeTimeLibrary() === undefined ? ['libfaketime is not installed'] : []),
  'loop device': () => [
    ...(existsSync('/dev/loop-control') ? [] : ['there is no /dev/loop-control']),
    ...withoutPrograms('mkfs.ext4', 'mount', 'umount', 'perl'),
  ],
};

function withoutPrograms(...names: readonly string[]): readonly string[] {
  return names.filter((name) => !isInstalled(name)).map((name) => `the program ${name} is not installed`);
}

function isInstalled(name: string): boolean {
  // mkfs stands where the search path of many users does not lead.
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
