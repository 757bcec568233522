import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** Memory, where the system has it as a directory: what is simulated needs no disk. */
const MEMORY = '/dev/shm';

/** The files of one simulated world. `using` removes them all. */
export class SimulatedDisk implements Disposable {
  readonly #root: string;
  #made = 0;

  constructor() {
    this.#root = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'holdfast-simulation-'));
  }

  /** The path of a directory that is not there yet. */
  place(): string {
    this.#made += 1;
    return join(this.#root, String(this.#made));
  }

  /**
   * Copies a directory of databases as it is at this moment, databases and logs: what a crash would leave. SQLite's shared
   * memory is no part of that.
   */
  copy(from: string): string {
    const to = this.place();
    cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith('-shm') });
    return to;
  }

  /** Puts a database, with the log it had, into the place of another one. */
  replace(file: string, by: string): void {
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    for (const suffix of ['', '-wal']) if (existsSync(by + suffix)) copyFileSync(by + suffix, file + suffix);
  }

  /** Whether a copy of a node's directory has an agent's file. */
  has(copy: string, agent: string): boolean {
    return existsSync(join(copy, 'agents', `${agent}.db`));
  }

  /** Removes a directory nobody uses any more. */
  remove(directory: string): void {
    if (!directory.startsWith(this.#root)) throw new Error(`${basename(directory)} is no directory of this world`);
    rmSync(directory, { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** Makes a directory with all above it. */
export function makeDirectory(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}
