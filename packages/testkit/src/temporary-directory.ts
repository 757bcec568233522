import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of one test, mode 0700. `await using` removes it with all that is in it when the block ends. */
export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
  /** The path of a file inside; nothing is made. */
  file(name: string): string;
}

/** Makes a fresh directory under the system's temporary one. */
export async function temporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}
