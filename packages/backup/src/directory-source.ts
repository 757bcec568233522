import { existsSync, readdirSync, statSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';

import { HoldfastError } from '@holdfast/protocol';
import { copyDatabase, openForReading, scanWal } from '@holdfast/sqlite';
import { runCheck } from '@holdfast/store';

import { agentsOfNode, ownerOfNode } from './facts.ts';
import { agentOf, agentPath, type ServiceKind } from './manifest.ts';
import type { BackupSource, SourceFile } from './source.ts';

/** Whose the backups of a relay are: there is one in a network. */
export const RELAY_OWNER = 'relay';

/**
 * The files of a data directory whose service does not run, and which this process has locked. Nothing in it is changed:
 * not even a schema is brought up to date. Throws `bad-configuration` when there is no such service in it.
 */
export function directorySource(service: ServiceKind, directory: string): BackupSource {
  const main = `${service}.db`;
  if (!existsSync(join(directory, main))) {
    throw new HoldfastError('bad-configuration', `there is no ${service} in ${directory}`);
  }
  const owner = service === 'relay' ? RELAY_OWNER : ownerOfNode(join(directory, main));
  const known = service === 'relay' ? [] : agentsOfNode(join(directory, main));
  const agents = new Set([...agentsIn(directory), ...known]);
  const paths = [main, ...[...agents].toSorted().map(agentPath)];
  const damaged = new Set<string>();
  return {
    service,
    owner,
    files: () => [...paths.map((path) => databaseFile(directory, path, damaged)), ...secretFiles(directory)],
    lookAgain: async (agent, signal) => {
      const { problems } = await runCheck(join(directory, agentPath(agent)), 'agent', { signal, skipsDerived: true });
      // Kept figures that are wrong are counted anew when the service opens the file.
      const isDamaged = problems.some(({ kind }) => kind !== 'counter');
      if (isDamaged) damaged.add(agentPath(agent));
      return isDamaged;
    },
  };
}

function agentsIn(directory: string): string[] {
  const agents = join(directory, 'agents');
  const names = existsSync(agents) ? readdirSync(agents) : [];
  return names.flatMap((name) => agentOf(`agents/${name}`) ?? []);
}

/** A file whose path is among the `damaged` ones is not copied. */
function databaseFile(directory: string, path: string, damaged: ReadonlySet<string>): SourceFile {
  const source = join(directory, path);
  return {
    path,
    bytes: databaseBytes(source),
    copyTo: async (target, onProgress) => {
      if (damaged.has(path)) throw new HoldfastError('file-damaged', `${path} is damaged`);
      assertWhole(source);
      const database = openForReading(source);
      try {
        await copyDatabase(database, target, onProgress);
      } finally {
        database.close();
      }
    },
  };
}

// A rotten log would be taken for the end of it: the copy would be an older state, and nobody would know. A file that was
// set aside is not there.
function assertWhole(path: string): void {
  if (!existsSync(path)) throw new HoldfastError('file-damaged', `${path} is not there`);
  if (scanWal(path).state === 'rotten') throw new HoldfastError('file-damaged', `the log of ${path} is damaged`);
}

/** The small files that make a directory usable again, as far as they are there. */
export function secretFiles(directory: string): SourceFile[] {
  const path = 'admin.token';
  const source = join(directory, path);
  if (!existsSync(source)) return [];
  return [{ path, bytes: statSync(source).size, copyTo: (target) => copyFile(source, target) }];
}

/** Size of a database with its write-ahead log. */
export function databaseBytes(path: string): number {
  return sizeOf(path) + sizeOf(`${path}-wal`);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
