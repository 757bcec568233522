import { mkdir, truncate, writeFile } from 'node:fs/promises';

import { eventually } from './eventually.ts';
import { runProgram } from './program.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** A file system of its own for a test; needs root. `await using` unmounts it: nothing may have files open there then. */
export interface MountedDisk extends AsyncDisposable {
  /** Where it is mounted, mode 0700. */
  readonly path: string;
}

/** A disk whose power can be cut. */
export interface LoopDisk extends MountedDisk {
  /**
   * Takes the power away: from now on every access fails, and what was not synced is gone for good (ext4's shutdown
   * without a flush of its log).
   */
  cutPower(): Promise<void>;
  /** Mounts it again after a cut, replaying its log. Nothing may have files open there. */
  restorePower(): Promise<void>;
  /** What a failing disk does to a file system in use: from now on it takes no writes, until it is mounted again. */
  turnReadOnly(): Promise<void>;
}

const MEBIBYTE = 1024 * 1024;
const UNMOUNT_LIMIT_MS = 10_000;

// FS_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH. Node has no ioctl, and Perl is wherever Git is.
const SHUT_DOWN = 'open(my $d,"<",$ARGV[0]) or die $!; my $how=pack("I",2); ioctl($d,0x8004587d,$how) or die $!;';

/** Makes an ext4 file system on a loop device. */
export async function loopDisk(megabytes: number): Promise<LoopDisk> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await temporaryDirectory());
  const [image, path] = [place.file('image'), place.file('disk')];
  await writeFile(image, '');
  await truncate(image, megabytes * MEBIBYTE);
  await runProgram('mkfs.ext4', ['-q', '-F', '-E', 'root_owner=0:0', image]);
  await mkdir(path, { mode: 0o700 });
  const mount = async (): Promise<void> => {
    await runProgram('mount', ['-o', 'loop,errors=remount-ro', image, path]);
    await runProgram('chmod', ['0700', path]);
  };
  await mount();
  stack.defer(() => unmount(path));
  const owned = stack.move();
  return {
    path,
    cutPower: async () => {
      await runProgram('perl', ['-e', SHUT_DOWN, path]);
    },
    restorePower: async () => {
      await unmount(path);
      await mount();
    },
    turnReadOnly: async () => {
      const device = (await runProgram('findmnt', ['-n', '-o', 'SOURCE', path])).trim().replace('/dev/', '');
      await writeFile(`/sys/fs/ext4/${device}/trigger_fs_error`, 'a test');
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Mounts a file system in memory that holds so much and no more. Syncing does nothing there: not for power cuts. */
export async function smallDisk(megabytes: number): Promise<MountedDisk> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await temporaryDirectory());
  const path = place.file('disk');
  await mkdir(path, { mode: 0o700 });
  await runProgram('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'tmpfs', path]);
  stack.defer(() => unmount(path));
  const owned = stack.move();
  return { path, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

// The kernel may hold a file of a process just killed for a moment longer.
async function unmount(path: string): Promise<void> {
  await eventually(() => runProgram('umount', [path]), { limitMs: UNMOUNT_LIMIT_MS });
}
