import {
  closeSync,
  existsSync,
  fsyncSync,
  lchownSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';

import { HoldfastError } from '@holdfast/protocol';
import { z } from 'zod';

import { unseal } from './sealed.ts';

const name = z.string().regex(/^[a-z][\w.-]{0,99}$/i);

/** The renames by which a restore happens. Once it is written, the restore is decided. */
export interface RestorePlan {
  /** Id of the backup. */
  readonly backup: string;
  /** Name of the directory what was there goes to. */
  readonly replaced: string;
  /** What was there. */
  readonly setAside: readonly string[];
  /** What takes its place. */
  readonly place: readonly string[];
}

const planSchema: z.ZodType<RestorePlan> = z.object({
  backup: z.string(),
  replaced: name,
  setAside: z.array(name),
  place: z.array(name),
});

/**
 * What became of a restore that was cut short.
 *
 * - `none`: there was none.
 * - `undone`: it had changed nothing yet; the data is as it was before.
 * - `finished`: it had begun to put files into their places; the data is that of the backup.
 */
export type SettledRestore =
  | { readonly state: 'none' | 'undone' }
  | { readonly state: 'finished'; readonly backup: string; readonly replaced: string };

/** Where a restore keeps what it is making. */
export function restoringPath(directory: string): string {
  return join(directory, 'restoring');
}

/** Where the new files are until they take their places. */
export function newPath(directory: string): string {
  return join(restoringPath(directory), 'new');
}

function donePath(directory: string): string {
  return join(directory, 'restoring.done');
}

/** Where the plan is, once there is one. */
export function planPath(directory: string): string {
  return join(restoringPath(directory), 'plan.json');
}

/** Whether a restore of a data directory was cut short. */
export function isRestorePending(directory: string): boolean {
  return existsSync(restoringPath(directory));
}

/**
 * Ends a restore of a data directory that was cut short, so that all of its data is the old or all of it the new. To be
 * called before anything else is opened in it, by whoever has locked it; may be cut short itself. Throws `backup-damaged`
 * when its plan cannot be read, and Node's errors.
 */
export function settleRestore(directory: string): SettledRestore {
  rmSync(donePath(directory), { recursive: true, force: true });
  if (!isRestorePending(directory)) return { state: 'none' };
  if (!existsSync(planPath(directory))) {
    rmSync(restoringPath(directory), { recursive: true, force: true });
    return { state: 'undone' };
  }
  const plan = unseal(readFileSync(planPath(directory), 'utf8'), planSchema)?.content;
  if (plan === undefined) {
    const detail = `${planPath(directory)} cannot be read: the restore was cut short, and its files are in there and in replaced-*`;
    throw new HoldfastError('backup-damaged', detail);
  }
  followPlan(directory, plan);
  return { state: 'finished', backup: plan.backup, replaced: join(directory, plan.replaced) };
}

/** Carries out what is left of a plan: every rename that was not made yet. */
function followPlan(directory: string, { replaced, setAside, place }: RestorePlan): void {
  const aside = join(directory, replaced);
  if (setAside.length > 0) makeBeside(directory, aside);
  for (const name of setAside) moveOnce(join(directory, name), join(aside, name));
  if (setAside.length > 0) syncFolder(aside);
  // The old ones are out of the way before the first new one comes: never a mixture under the same names.
  syncFolder(directory);
  for (const name of place) {
    const made = join(newPath(directory), name);
    if (existsSync(made)) renameSync(made, join(directory, name));
  }
  syncFolder(directory);
  // The restore ends in one step: what is left of it then is of no interest.
  renameSync(restoringPath(directory), donePath(directory));
  syncFolder(directory);
  rmSync(donePath(directory), { recursive: true, force: true });
}

function makeBeside(directory: string, path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(directory);
  lchownSync(path, uid, gid);
}

// What stands under the old name after that is the new one.
function moveOnce(from: string, to: string): void {
  if (!existsSync(to) && existsSync(from)) renameSync(from, to);
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
