import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Logger } from 'pino';

import type { RelayStore } from '../storage/relay-store.ts';
import type { RelayMetrics } from './metrics.ts';

/** How often the side file follows the database. A database put back to within that time of its end is not noticed by it. */
const INTERVAL_MS = 5000;

/** What the side file says: the epoch, and a feed position the database had. */
export type Noted = Pick<RelayStore, 'epoch' | 'position'>;

/** What a file says that cannot be understood: it fits no database. */
const UNREADABLE: Noted = { epoch: '', position: 0 };

/** What the side file needs. */
export interface EpochFileOptions {
  readonly store: RelayStore;
  /** The relay's data directory. */
  readonly directory: string;
  readonly metrics: RelayMetrics;
  readonly log: Logger;
}

/**
 * Keeps `relay.epoch` (0600) beside the database: its epoch and how far it had come (protocol rule 15). When the two do not
 * fit at a start, the database was put back or replaced, and gets a new epoch, so that whoever read from the relay starts
 * over. So does a database with something in it and no side file: it may have been put into a new place.
 */
export class EpochFile {
  readonly #options: EpochFileOptions;
  readonly #path: string;
  #timer: NodeJS.Timeout | undefined;
  #written: Noted | undefined;
  #writing: Promise<void> = Promise.resolve();
  #misfit: string | undefined;

  constructor(options: EpochFileOptions) {
    this.#options = options;
    this.#path = join(options.directory, 'relay.epoch');
  }

  /** Why the start gave the database a new epoch; undefined if it did not. */
  get misfit(): string | undefined {
    return this.#misfit;
  }

  /** Compares the two, gives the database a new epoch if need be, and keeps the file up to date from then on. */
  async start(): Promise<void> {
    const { store, metrics, log } = this.#options;
    const reason = misfit(await this.#read(), store);
    if (reason !== undefined) {
      await store.renewEpoch();
      this.#misfit = reason;
      metrics.countEpoch();
      log.warn({ reason }, 'the database was put back or replaced: it has a new epoch, and nodes send what it lacks');
    }
    await this.#write();
    this.#timer = setInterval(() => void this.#write(), INTERVAL_MS);
  }

  /** Writes the file once more and leaves it. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#write();
  }

  /** Undefined if there is none. */
  async #read(): Promise<Noted | undefined> {
    const text = await readFile(this.#path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    return text === undefined ? undefined : parse(text);
  }

  /** One at a time. The file that cannot be written is as old as it is: the next round tries again. */
  #write(): Promise<void> {
    this.#writing = this.#writing
      .then(() => this.#writeIfMoved())
      .catch((error: unknown) => this.#options.log.warn({ err: error }, 'relay.epoch could not be written'));
    return this.#writing;
  }

  async #writeIfMoved(): Promise<void> {
    const { store, directory } = this.#options;
    const { epoch, position } = store;
    if (this.#written?.epoch === epoch && this.#written.position === position) return;
    const unfinished = `${this.#path}.new`;
    await writeFile(unfinished, `${JSON.stringify({ epoch, position })}\n`, { mode: 0o600, flush: true });
    await rename(unfinished, this.#path);
    await syncDirectory(directory);
    this.#written = { epoch, position };
  }
}

/** Why the database is not the one the file speaks of, grown; undefined if it is. */
export function misfit(noted: Noted | undefined, { epoch, position }: Noted): string | undefined {
  if (noted === undefined) return position === 0 ? undefined : 'there is no relay.epoch';
  if (noted.epoch !== epoch) return 'relay.epoch names another epoch';
  return position < noted.position ? 'the database is behind relay.epoch' : undefined;
}

function parse(text: string): Noted {
  try {
    const { epoch, position } = JSON.parse(text) as Partial<Noted>;
    return typeof epoch === 'string' && Number.isInteger(position) ? { epoch, position: Number(position) } : UNREADABLE;
  } catch {
    return UNREADABLE;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
