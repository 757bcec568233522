import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { backupDirectoryOf, giveToOwner, settleRestore } from '@holdfast/backup';
import { type CareConfig, HoldfastError } from '@holdfast/protocol';
import { ensureUsableDirectory, lockDirectory } from '@holdfast/sqlite';

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
 * Does `work` in a data directory that this process alone holds meanwhile, and in which no restore is half done. Root may do
 * so in a directory of the user the service runs as; what it makes there it gives to that user. Throws `directory-locked`
 * while the service runs, `directory-unsafe`.
 */
export async function inLockedDirectory<Result>(directory: string, work: () => Promise<Result>): Promise<Result> {
  ensureUsableDirectory(directory);
  const lock = lockDirectory(directory);
  try {
    giveToOwner(join(directory, 'lock.db'), directory);
    settleRestore(directory);
    return await work();
  } finally {
    lock.release();
  }
}

/**
 * Does `work` that makes files in a service's directory of backups, and gives them to whom it belongs; one that is made for it,
 * to whom the data directory belongs. Throws `directory-unsafe`.
 */
export async function inBackups<Result>(
  { backups, directory }: ServicePlace,
  work: () => Promise<Result>,
): Promise<Result> {
  const isNew = !existsSync(backups);
  ensureUsableDirectory(backups);
  if (isNew) giveToOwner(backups, directory);
  try {
    return await work();
  } finally {
    giveToOwner(backups, backups);
  }
}

/** Throws `bad-configuration` unless a service was prepared in a directory. */
export function assertPrepared({ service, directory }: ServicePlace): void {
  if (existsSync(join(directory, `${service}.db`))) return;
  throw new HoldfastError('bad-configuration', `there is no ${service} in ${directory}`);
}
