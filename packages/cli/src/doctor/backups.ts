import type { Backups } from '@holdfast/protocol';

import { fail, type Finding, ok, warn } from './check.ts';

const TAKE_ONE = 'Take one with `holdfast backup`, or set backup.hours.';

/** Whether there is a backup that was restored and found whole, and whether the last one succeeded. */
export async function checkBackups({ list }: { readonly list: () => Promise<Backups> }): Promise<Finding> {
  try {
    const { backups, last_error: lastError } = await list();
    if (lastError !== null) return fail('backups', `the last one failed: ${lastError.detail}`, 'See the log.');
    const verified = backups.find(({ verified_at }) => verified_at !== null);
    if (verified !== undefined) return ok('backups', `the last verified one is ${verified.id}`);
    return warn('backups', backups.length === 0 ? 'none' : 'none was verified', TAKE_ONE);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return warn('backups', detail, 'They can be looked at with an admin token only.');
  }
}
