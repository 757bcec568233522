import { lockDirectory } from '@holdfast/sqlite';

// A process of its own that takes a data directory and keeps it until it is killed. It drops the lock object on purpose
// and collects garbage, when Node lets it: the directory must stay taken.
const [directory = ''] = process.argv.slice(2);
lockDirectory(directory);
setTimeout(() => {
  globalThis.gc?.();
  process.stdout.write('locked\n');
}, 0);
setInterval(() => undefined, 60_000);
