import type { Logger } from 'pino';

import { settleRestore } from './settle-restore.ts';

/** Ends a restore that was cut short, before a service opens anything in its data directory, and tells which data there is. */
export function settleRestoreAtStart(directory: string, log: Logger): void {
  const settled = settleRestore(directory);
  if (settled.state === 'undone') {
    log.warn('a restore was cut short before it changed anything: the data is as it was');
  }
  if (settled.state === 'finished') {
    const { backup, replaced } = settled;
    log.warn({ backup, replaced }, 'a restore was cut short and is finished now: the data is that of the backup');
  }
}
