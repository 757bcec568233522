import { lockDirectory } from '@holdfast/sqlite';

import { restoreService } from '../src/index.ts';
import { backUp, schemas } from './fixture.ts';

// A process of its own that takes one backup, keeping only that, or restores the newest, and may be killed over it.
const [work = '', data = '', backups = ''] = process.argv.slice(2);
process.stdout.write('ready\n');
if (work === 'backup') {
  await backUp(data, backups, { keep: 1 });
} else {
  const lock = lockDirectory(data);
  await restoreService({ from: backups, id: undefined, service: 'node', directory: data, schemas, onFile: () => {} });
  lock.release();
}
process.stdout.write('done\n');
