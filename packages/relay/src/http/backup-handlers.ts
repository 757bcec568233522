import type { BackupKeeper } from '@holdfast/backup';
import type { Handlers } from '@holdfast/http';
import type { relayRoutes } from '@holdfast/protocol';

import type { RelayCaller } from '../service/access.ts';

/** Answers the calls about the relay's backups. */
export function backupHandlers(
  keeper: BackupKeeper,
): Handlers<Pick<typeof relayRoutes, 'backup.start' | 'backup.list'>, RelayCaller> {
  return {
    'backup.start': async () => ({ json: await keeper.start() }),
    'backup.list': async () => ({ json: await keeper.list() }),
  };
}
