import { backupDirectoryOf, extractAgent } from '@holdfast/backup';
import type { HybridClock, NodeConfig, Now } from '@holdfast/protocol';
import type { StorageGuard } from '@holdfast/sqlite';
import type { AgentFiles } from '@holdfast/store';
import type { Logger } from 'pino';

import type { Agents } from '../service/agents.ts';
import type { FileCustody } from '../service/file-custody.ts';
import type { JoiningOptions } from '../service/joining.ts';
import type { NodeDatabase } from '../storage/node-database.ts';
import { relayTransport } from '../sync/relay-transport.ts';
import { nodeTimers } from '../sync/timers.ts';
import { Adoption } from './adoption.ts';
import type { RelayAccess } from './context.ts';
import { Restores } from './restores.ts';

/** What rebuilding files is made of. */
export interface RebuildingParts {
  readonly config: NodeConfig;
  /** The data directory. */
  readonly directory: string;
  readonly database: NodeDatabase;
  readonly agents: Agents;
  readonly files: AgentFiles;
  readonly custody: FileCustody;
  readonly joining: JoiningOptions;
  readonly clock: HybridClock;
  readonly guard: StorageGuard;
  readonly now: Now;
  readonly log: Logger;
}

/** Rebuilding agents' files, and taking over nodes, as the daemon's calls reach them. */
export interface Rebuilding {
  readonly restores: Restores;
  readonly adoption: Adoption;
  /** Goes on with what a crash or a stop interrupted. */
  resume(): void;
  /** Interrupts what is under way; it goes on at the next start. */
  stop(): Promise<void>;
}

/** Puts together what rebuilds agents' files. */
export function assembleRebuilding(parts: RebuildingParts): Rebuilding {
  const { config, directory, database, agents, files, custody, joining, clock, guard, now, log } = parts;
  const relay = (): RelayAccess | undefined => relayOf(database, config);
  const shared = { custody, files, clock, guard, now, timers: nodeTimers, log, relay };
  const backups = backupDirectoryOf(config, directory);
  const restores = new Restores({
    ...shared,
    random: Math.random,
    extract: (agent, backup, path) => extractAgent(backups, backup, agent, path),
  });
  const adoption = new Adoption({ database, agents, restores, joining, relay, now, timers: nodeTimers, log });
  return {
    restores,
    adoption,
    resume: () => {
      restores.resume(agents.names);
      adoption.resume();
    },
    stop: async () => {
      adoption.stop();
      await restores.stop();
    },
  };
}

function relayOf(database: NodeDatabase, config: NodeConfig): RelayAccess | undefined {
  const { enrolment } = database;
  if (enrolment === undefined) return undefined;
  const { relayUrl: url, credential } = enrolment;
  const timeoutMs = config['sync.timeoutSeconds'] * 1000;
  return { transport: relayTransport({ url, credential, timeoutMs }), boot: database.boot };
}
