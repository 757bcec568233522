import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { fakeTimeLibrary } from './fake-time.ts';

const STATUS_FILE = '/proc/self/status';
const CAP_SYS_ADMIN = 1n << 21n;

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
  root: () => (mayMount() ? [] : ['it needs root and the right to mount file systems']),
  strace: () => withoutPrograms('strace'),
  prlimit: () => withoutPrograms('prlimit'),
  faketime: () => (fakeTimeLibrary() === undefined ? ['libfaketime is not installed'] : []),
  'loop device': () => [
    ...(existsSync('/dev/loop-control') ? [] : ['there is no /dev/loop-control']),
    ...withoutPrograms('mkfs.ext4', 'mount', 'umount', 'perl'),
  ],
};

/** Root in a container is often not allowed to: Linux tells each process what it may. */
function mayMount(): boolean {
  if (process.getuid?.() !== 0 || !existsSync(STATUS_FILE)) return false;
  const [, capabilities = '0'] = /^CapEff:\s*(\w+)$/m.exec(readFileSync(STATUS_FILE, 'utf8')) ?? [];
  return (BigInt(`0x${capabilities}`) & CAP_SYS_ADMIN) !== 0n;
}

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
