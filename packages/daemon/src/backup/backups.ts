import { join } from 'node:path';

import {
  agentPath,
  BackupKeeper,
  type BackupSource,
  databaseBytes,
  secretFiles,
  type SourceFile,
} from '@holdfast/backup';
import type { NodeConfig, Now } from '@holdfast/protocol';
import type { AgentFiles } from '@holdfast/store';
import type { Registry } from 'prom-client';

import { type AgentCare, checkNow } from '../scrub/scrub.ts';
import type { NodeDatabase } from '../storage/node-database.ts';

/** What keeping a node's backups needs. */
export interface NodeBackupOptions extends AgentCare {
  readonly config: NodeConfig;
  /** The data directory. */
  readonly directory: string;
  readonly database: NodeDatabase;
  readonly agents: () => readonly string[];
  readonly version: string;
  readonly registry: Registry;
  readonly now: Now;
}

/** Takes a node's backups, when asked and on schedule, from now on. */
export function keepNodeBackups(options: NodeBackupOptions): BackupKeeper {
  const { config, directory, version, registry, log, now } = options;
  const keeper = new BackupKeeper({
    source: sourceOf(options),
    dataDirectory: directory,
    config,
    version,
    registry,
    log,
    now,
  });
  keeper.begin();
  return keeper;
}

function sourceOf({ directory, database, agents, ...care }: NodeBackupOptions): BackupSource {
  const { files } = care;
  const path = 'node.db';
  return {
    service: 'node',
    get owner() {
      return database.suffix;
    },
    files: () => [
      {
        path,
        bytes: databaseBytes(join(directory, path)),
        copyTo: (target, onProgress) => database.copyTo(target, onProgress),
      },
      ...agents().map((agent) => agentFile(files, agent)),
      ...secretFiles(directory),
    ],
    lookAgain: (agent, signal) => checkNow(agent, care, signal),
  };
}

function agentFile(files: AgentFiles, agent: string): SourceFile {
  return {
    path: agentPath(agent),
    bytes: databaseBytes(files.pathOf(agent)),
    copyTo: async (target, onProgress) => {
      try {
        await files.get(agent).copyTo(target, onProgress);
      } catch (error) {
        // A file set aside or replaced meanwhile says so itself.
        files.get(agent);
        throw error;
      }
    },
  };
}
