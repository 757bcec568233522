import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { backupDirectoryOf, settleRestore } from '@holdfast/backup';
import { type CareConfig, HoldfastError } from '@holdfast/protocol';
import { ensurePrivateDirectory, lockDirectory } from '@holdfast/sqlite';

import { loadConfig } from '../config/load.ts';
import type { ServiceName } from '../config/locations.ts';
import { findDataDirectory } from '../endpoint.ts';
import type { GlobalOptions } from '../global-options.ts';

/** A service of this machine, by its files. */
export interface ServicePlace {
  readonly service: ServiceName;
  /** The data directory, which may not be there. */
  readonly directory: string;
  /** Where its backups go. */
  readonly backups: string;
  readonly config: CareConfig;
}

/** Which service a command is about: the one it names, or the one whose data directory it names. */
export function serviceOf(options: GlobalOptions & { readonly relay?: true }): ServiceName {
  if (options.relay) return 'relay';
  return options.dataDir !== undefined && existsSync(join(options.dataDir, 'relay.db')) ? 'relay' : 'node';
}

/** Finds a service's directories as its configuration has them. Throws `bad-configuration`. */
export async function placeOf(service: ServiceName, options: GlobalOptions): Promise<ServicePlace> {
  const directory = resolve(await findDataDirectory(service, options, process.env));
  const given = { flags: { 'data.dir': directory }, file: options.config };
  const config: CareConfig = loadConfig(service, given, process.env).values;
  return { service, directory, config, backups: resolve(backupDirectoryOf(config, directory)) };
}

/**
 * Does `work` in a data directory that this process alone holds meanwhile, and in which no restore is half done. Throws
 * `directory-locked` while the service runs, `directory-unsafe`.
 */
export async function inLockedDirectory<Result>(directory: string, work: () => Promise<Result>): Promise<Result> {
  ensureUsable(directory);
  const lock = lockDirectory(directory);
  try {
    settleRestore(directory);
    return await work();
  } finally {
    lock.release();
  }
}

/** Root may work in a directory of the user the service runs as; what it makes there it gives to that user. */
function ensureUsable(directory: string): void {
  const owner = statSync(directory, { throwIfNoEntry: false })?.uid;
  if (owner === undefined || owner === 0 || process.getuid?.() !== 0) ensurePrivateDirectory(directory);
}

/** Throws `bad-configuration` unless a service was prepared in a directory. */
export function assertPrepared({ service, directory }: ServicePlace): void {
  if (existsSync(join(directory, `${service}.db`))) return;
  throw new HoldfastError('bad-configuration', `there is no ${service} in ${directory}`);
}
