import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { HoldfastError } from '@holdfast/protocol';

import { removeDatabase } from '../set-aside.ts';
import { NOTHING_READ, type Salvaged } from './salvage.ts';

const script = fileURLToPath(new URL('salvage-process.ts', import.meta.url));

/** Memory for objects in the reading process; it holds some hundred records at a time. */
const HEAP_MEGABYTES = 256;

/** How often a file is read whose reading process does not come to its end. */
const MOST_TRIES = 2;

/** Which file to read, and the one being built: what is there in the same or a newer version is not given again. */
export interface SalvageOptions {
  readonly path: string;
  readonly builtPath: string;
  /** The stream the file must hold, or nothing of it is given; null: any. */
  readonly incarnation: string | null;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads what can be read of a damaged file (`salvage`) in a process of its own. The file is not changed, and is open
 * nowhere else. If that process crashes, and again when it is tried once more, the `end` says that not everything was
 * read; what was given before may come twice. Throws `storage-failed` when it was killed or could not be started: that
 * says nothing about the file.
 */
export async function* runSalvage(options: SalvageOptions): AsyncGenerator<Salvaged> {
  for (let tries = 1; ; tries += 1) {
    const ending = yield* readOnce(options);
    if (ending === 'whole') return;
    if (tries < MOST_TRIES) continue;
    if (ending === 'crashed') {
      yield NOTHING_READ;
      return;
    }
    throw new HoldfastError('storage-failed', 'the process that reads the damaged file could not run to its end');
  }
}

/** How reading came to its end: with all it could read, with a crash, or by something that is not the file's doing. */
type Ending = 'whole' | 'crashed' | 'hindered';

async function* readOnce({ path, builtPath, incarnation, signal }: SalvageOptions): AsyncGenerator<Salvaged, Ending> {
  signal?.throwIfAborted();
  const scratchPath = `${builtPath}.mended`;
  const args = [`--max-old-space-size=${HEAP_MEGABYTES}`, script, path, builtPath, scratchPath];
  const child = spawn(process.execPath, [...args, ...(incarnation === null ? [] : [incarnation])], {
    stdio: ['ignore', 'pipe', 'ignore'],
    killSignal: 'SIGKILL',
    ...(signal && { signal }),
  });
  const ended = endingOf(child);
  let isWhole = false;
  try {
    for await (const line of createInterface({ input: child.stdout, crlfDelay: Infinity })) {
      const found = parsedOrUndefined(line);
      if (found === undefined) break;
      isWhole = found.kind === 'end' || found.kind === 'foreign';
      yield found;
    }
    const ending = await ended;
    signal?.throwIfAborted();
    return isWhole ? 'whole' : ending;
  } finally {
    child.kill('SIGKILL');
    await ended;
    removeDatabase(scratchPath);
  }
}

async function endingOf(child: ChildProcess): Promise<Ending> {
  try {
    const [, killedBy] = (await once(child, 'close')) as [code: number | null, killedBy: NodeJS.Signals | null];
    return killedBy === 'SIGKILL' || killedBy === 'SIGTERM' ? 'hindered' : 'crashed';
  } catch {
    return 'hindered';
  }
}

// The last line of a process that was killed may be half a one.
function parsedOrUndefined(line: string): Salvaged | undefined {
  try {
    return JSON.parse(line) as Salvaged;
  } catch {
    return undefined;
  }
}
