/**
 * Checks one file and prints the report: a crash of SQLite, a full heap or a long read end this process and nothing
 * else. Arguments: path, kind, bytes a second, whether to skip what is derived.
 */
import { constants, setPriority } from 'node:os';

import { checkFile } from './check-file.ts';
import { paceOf } from './pace.ts';
import type { FileKind } from './report.ts';

const [path = '', kind = 'agent', bytesPerSecond = '0', skipsDerived] = process.argv.slice(2);
try {
  setPriority(constants.priority.PRIORITY_LOW);
} catch {
  // A confined service may not lower its priority; the pace holds it back all the same.
}
const report = await checkFile(path, kind as FileKind, {
  pace: paceOf(Number(bytesPerSecond)),
  skipsDerived: skipsDerived === 'true',
});
process.stdout.write(JSON.stringify(report));
