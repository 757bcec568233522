/**
 * Reads what can be read of a damaged file and prints it, a JSON text a line: a crash of SQLite ends this process and
 * nothing else. Arguments: the file, the one being built from it, a scratch path for a copy.
 */
import { copyWithMendedLog, type Database, openForReading } from '@holdfast/sqlite';

import { salvage, type Salvaged } from './salvage.ts';

const [path = '', builtPath = '', scratchPath = ''] = process.argv.slice(2);

function print(found: Salvaged): void {
  process.stdout.write(`${JSON.stringify(found)}\n`);
}

function openOrUndefined(): Database | undefined {
  try {
    return openForReading(copyWithMendedLog(path, scratchPath) ? scratchPath : path);
  } catch {
    return undefined;
  }
}

const damaged = openOrUndefined();
if (damaged === undefined) {
  print({ kind: 'end', isComplete: false, lastSeq: 0 });
} else {
  const built = openForReading(builtPath);
  const version = built.prepare('SELECT version FROM records WHERE collection = ? AND resource = ? AND id = ?').pluck();
  const known = (place: { collection: string; resource: string; id: string }): string | undefined =>
    version.get(place.collection, place.resource, place.id) as string | undefined;
  for (const found of salvage(damaged, known)) print(found);
}
