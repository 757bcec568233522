import type { HybridClock, Now } from '@holdfast/protocol';
import type { StorageGuard } from '@holdfast/sqlite';
import type { AgentFiles } from '@holdfast/store';
import type { Logger } from 'pino';

import type { FileCustody } from '../service/file-custody.ts';
import type { Timers } from '../sync/timers.ts';
import type { Transport } from '../sync/transport.ts';

/** Where an agent's file is rebuilt from. */
export type RestoreSource =
  | { readonly from: 'relay' }
  /** `backup`: which one; undefined: the newest that has the agent. */
  | { readonly from: 'backup'; readonly backup: string | undefined };

/** The relay, for one piece of work: close the transport afterwards. `boot`: the start that speaks for the node. */
export interface RelayAccess {
  readonly transport: Transport;
  readonly boot: string;
}

/** Brings an agent's file out of a backup to `path`; `backup` undefined: the newest that has it. */
export type ExtractAgent = (
  agent: string,
  backup: string | undefined,
  path: string,
) => Promise<{ readonly id: string }>;

/** What restoring needs of the daemon around it. */
export interface RestoreContext {
  readonly custody: FileCustody;
  readonly files: AgentFiles;
  readonly clock: HybridClock;
  readonly guard: StorageGuard;
  readonly now: Now;
  readonly random: () => number;
  readonly timers: Timers;
  readonly log: Logger;
  /** Undefined while the node has none. */
  readonly relay: () => RelayAccess | undefined;
  readonly extract: ExtractAgent;
}

/** One agent's file to be rebuilt. */
export interface Work {
  readonly agent: string;
  readonly source: RestoreSource;
  /** Told how many records are there, again and again. */
  readonly onProgress: (records: number) => void;
  readonly signal: AbortSignal;
}
