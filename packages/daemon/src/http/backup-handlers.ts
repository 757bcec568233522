import type { BackupKeeper } from '@holdfast/backup';
import type { Handlers } from '@holdfast/http';
import type { daemonRoutes } from '@holdfast/protocol';

import type { DaemonCaller } from './caller.ts';

/** Answers the calls about the node's backups. */
export function backupHandlers(
  keeper: BackupKeeper,
): Handlers<Pick<typeof daemonRoutes, 'backup.start' | 'backup.list'>, DaemonCaller> {
  return {
    'backup.start': async () => ({ json: await keeper.start() }),
    'backup.list': async () => ({ json: await keeper.list() }),
  };
}
