/**
 * Reads what can be read of a damaged file and prints it, a JSON text a line: a crash of SQLite ends this process and
 * nothing else. Arguments: the file, the one being built from it, a scratch path for a copy, and the stream it must hold, if
 * that is known.
 */
import { copyWithMendedLog, type Database, openForReading } from '@holdfast/sqlite';

import { NOTHING_READ, salvage, type Salvaged } from './salvage.ts';

const [path = '', builtPath = '', scratchPath = '', incarnation] = process.argv.slice(2);

function print(found: Salvaged): void {
  // Readers of lines take these two for ends of a line, and JSON leaves them as they are.
  const text = JSON.stringify(found)
    .replaceAll('\u2028', String.raw`\u2028`)
    .replaceAll('\u2029', String.raw`\u2029`);
  process.stdout.write(`${text}\n`);
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
  print(NOTHING_READ);
} else {
  const built = openForReading(builtPath);
  const version = built.prepare('SELECT version FROM records WHERE collection = ? AND resource = ? AND id = ?').pluck();
  const known = (place: { collection: string; resource: string; id: string }): string | undefined =>
    version.get(place.collection, place.resource, place.id) as string | undefined;
  for (const found of salvage(damaged, known, incarnation ?? null)) print(found);
}
