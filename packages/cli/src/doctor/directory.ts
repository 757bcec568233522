import { lstatSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';

import { sizeText } from '../wording.ts';
import { fail, type Finding, ok, warn } from './check.ts';

const LOW_BYTES = 1_000_000_000;
const LEAST_BYTES = 100_000_000;

/** File systems (statfs(2) magic numbers) on which SQLite's locks or durability cannot be relied on. */
const unreliable: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x65735546, 'FUSE'],
]);
const memoryFileSystems: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/** Whether the data directory is there and closed to all but its owner. */
export function checkDirectory(directory: string): Finding {
  const status = lstatSync(directory, { throwIfNoEntry: false });
  if (status === undefined) {
    return warn('data directory', `${directory} is not there`, 'Prepare it with `holdfast init`.');
  }
  if (!status.isDirectory())
    return fail('data directory', `${directory} is no directory`, 'Name the directory itself.');
  const mode = status.mode & 0o777;
  if ((mode & 0o077) !== 0) {
    return fail('data directory', `${directory} has mode 0${mode.toString(8)}`, `chmod 0700 ${directory}`);
  }
  const uid = process.getuid?.();
  if (uid !== undefined && uid !== 0 && uid !== status.uid) {
    return fail('data directory', `${directory} belongs to user ${status.uid}, you are ${uid}`, 'Run as its owner.');
  }
  return ok('data directory', `${directory}, mode 0700, user ${status.uid}`);
}

/** Whether the disk has room and is one that keeps what it was given. */
export function checkDisk(directory: string): readonly Finding[] {
  const stats = statfsSync(existingPart(directory));
  const free = stats.bavail * stats.bsize;
  const room = `${sizeText(free)} free`;
  const space =
    free < LEAST_BYTES
      ? fail('disk space', room, 'Free space: writes are refused when the disk is full.')
      : free < LOW_BYTES
        ? warn('disk space', room, 'Free space soon.')
        : ok('disk space', room);
  return [space, checkFileSystem(stats.type >>> 0)];
}

function checkFileSystem(type: number): Finding {
  const name = unreliable.get(type);
  if (name !== undefined) {
    return fail(
      'file system',
      `${name}: locks and durable writes cannot be relied on`,
      'Keep the data on a local disk.',
    );
  }
  if (memoryFileSystems.has(type)) {
    return warn('file system', 'in memory: gone after a restart of the machine', 'Keep the data on a disk.');
  }
  return ok('file system', 'local');
}

function existingPart(path: string): string {
  const parent = dirname(path);
  return parent === path || lstatSync(path, { throwIfNoEntry: false }) ? path : existingPart(parent);
}
