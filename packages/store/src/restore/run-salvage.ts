import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { removeDatabase } from '../set-aside.ts';
import type { Salvaged } from './salvage.ts';

const script = fileURLToPath(new URL('salvage-process.ts', import.meta.url));

/** Memory for objects in the reading process; it holds some hundred records at a time. */
const HEAP_MEGABYTES = 256;

/** Which file to read, and the one being built: what is there in the same or a newer version is not given again. */
export interface SalvageOptions {
  readonly path: string;
  readonly builtPath: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads what can be read of a damaged file (`salvage`) in a process of its own. The file is not changed, and is open
 * nowhere else. Whatever becomes of that process, an `end` comes last: if it crashed, not everything was read.
 */
export async function* runSalvage({ path, builtPath, signal }: SalvageOptions): AsyncGenerator<Salvaged> {
  signal?.throwIfAborted();
  const scratchPath = `${builtPath}.mended`;
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${HEAP_MEGABYTES}`, script, path, builtPath, scratchPath],
    { stdio: ['ignore', 'pipe', 'ignore'], killSignal: 'SIGKILL', ...(signal && { signal }) },
  );
  const ended = once(child, 'close').catch(() => undefined);
  let isEnded = false;
  try {
    for await (const line of createInterface({ input: child.stdout, crlfDelay: Infinity })) {
      const found = parsedOrUndefined(line);
      if (found === undefined) break;
      isEnded = found.kind === 'end';
      yield found;
    }
    signal?.throwIfAborted();
    if (!isEnded) yield { kind: 'end', isComplete: false, lastSeq: 0 };
  } finally {
    child.kill('SIGKILL');
    await ended;
    removeDatabase(scratchPath);
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
