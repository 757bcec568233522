import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { type BackupProgress, directorySource, takeBackup, type Taken } from '@holdfast/backup';
import type { BackupsClient } from '@holdfast/client';
import type { Backup, Backups } from '@holdfast/protocol';

import { CommandError } from '../command-error.ts';
import type { ServiceName } from '../config/locations.ts';
import { findEndpoint } from '../endpoint.ts';
import type { GlobalOptions } from '../global-options.ts';
import { withDaemon, withRelay } from '../services.ts';
import { cliVersion } from '../version.ts';
import { assertPrepared, inBackups, inLockedDirectory, type ServicePlace } from './place.ts';

const MEGABYTE = 1_048_576;
const ASK_EVERY_MS = 200;

/** A backup that was taken. */
export interface TakenBackup extends Backup {
  readonly directory: string;
  /** Why it is not verified; empty if it is. */
  readonly problems: readonly string[];
}

/** Is told how far a backup is. */
export type OnProgress = (progress: Omit<BackupProgress, 'bytesDone'>) => void;

/** Whether a service is to be asked: one runs, or an address was given. */
export async function isServed(service: ServiceName, options: GlobalOptions): Promise<boolean> {
  const { url, directory } = await findEndpoint(service, options, process.env);
  if (url !== undefined) return true;
  // Without an address of its own here, a place that was named by a variable is one elsewhere.
  return options.dataDir === undefined && (directory === undefined || !existsSync(join(directory, `${service}.db`)));
}

/** Does `work` with the calls about backups of a service that runs. */
export function withBackups<Result>(
  service: ServiceName,
  options: GlobalOptions,
  work: (backups: BackupsClient) => Promise<Result>,
): Promise<Result> {
  return service === 'relay'
    ? withRelay(options, (relay) => work(relay.backups))
    : withDaemon(options, (holdfast) => work(holdfast.backups));
}

/** Has a running service take a backup, and waits for it. Throws CommandError when it could not be made. */
export async function takeFromService(backups: BackupsClient, onProgress: OnProgress): Promise<TakenBackup> {
  let answer = await backups.start();
  const startedAt = answer.running?.started_at ?? new Date().toISOString();
  while (answer.running?.started_at === startedAt) {
    const { phase, files_done: filesDone, files_total: filesTotal } = answer.running;
    onProgress({ phase, filesDone, filesTotal });
    await pause(ASK_EVERY_MS);
    answer = await backups.list();
  }
  return resultOf(answer, startedAt);
}

function resultOf({ directory, backups, last_error: error }: Backups, startedAt: string): TakenBackup {
  const made = backups.find(
    ({ made_at: madeAt }) => Date.parse(madeAt) >= Math.floor(Date.parse(startedAt) / 1000) * 1000,
  );
  const problems = error === null || error.at < startedAt ? [] : [error.detail];
  if (made !== undefined && (made.verified_at !== null || problems.length > 0)) return { ...made, directory, problems };
  throw new CommandError(
    `the backup was not made: ${problems[0] ?? 'the service was stopped'}`,
    'Mend what it says and run it again; `holdfast backup list` shows the backups there are.',
  );
}

/** Takes a backup of a service that does not run, by its files. Throws `directory-locked` if it does. */
export async function takeFromFiles(place: ServicePlace, onProgress: OnProgress): Promise<TakenBackup> {
  const { service, directory, backups, config } = place;
  assertPrepared(place);
  const taking = (): Promise<Taken> =>
    takeBackup({
      directory: backups,
      isShared: config['backup.directory'] !== '',
      source: directorySource(service, directory),
      version: cliVersion,
      now: Date.now,
      reserveBytes: config['disk.reserveMegabytes'] * MEGABYTE,
      keep: config['backup.keep'],
      signal: new AbortController().signal,
      onProgress,
    });
  const taken = await inLockedDirectory(directory, () => inBackups(place, taking));
  return shown(taken, backups);
}

function shown({ manifest, verifiedAt, problems, damagedRecords }: Taken, directory: string): TakenBackup {
  const { id, made_at, files, new_bytes, missing } = manifest;
  return {
    id,
    made_at,
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    new_bytes,
    verified_at: verifiedAt,
    missing: [...missing],
    damaged_records: [...damagedRecords],
    directory,
    problems,
  };
}
