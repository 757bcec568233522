import { gaugesOf } from '@holdfast/http';
import type { Now } from '@holdfast/protocol';
import type { DiskWatch } from '@holdfast/sqlite';
import type { Registry } from 'prom-client';

import type { DaemonOptions } from '../../options.ts';
import type { NodeDatabase } from '../../storage/node-database.ts';
import { ReplicaFile } from '../../storage/replica/replica-file.ts';
import type { SyncEngine } from '../../sync/sync-engine.ts';
import { Replica } from './replica.ts';
import { Subscriptions } from './subscriptions.ts';

/** What subscriptions need from their surroundings. */
export interface ReplicaParts {
  readonly options: DaemonOptions;
  /** Where the file stands. */
  readonly path: string;
  readonly database: NodeDatabase;
  readonly sync: SyncEngine;
  readonly disk: Pick<DiskWatch, 'assertRoom'>;
  readonly registry: Registry;
  readonly now: Now;
}

/** What the node subscribed to, and reading it. */
export interface AssembledReplica {
  readonly file: ReplicaFile;
  readonly subscriptions: Subscriptions;
  readonly replica: Replica;
}

/** Puts subscriptions together; `begin` is still to be called. */
export function assembleReplica({
  options,
  path,
  database,
  sync,
  disk,
  registry,
  now,
}: ReplicaParts): AssembledReplica {
  const { log } = options;
  const file = new ReplicaFile({ path, log });
  const subscriptions = new Subscriptions({
    configured: options.config.subscriptions,
    database,
    file,
    followers: sync.followers,
    assertRoom: () => disk.assertRoom(),
    now,
    log,
  });
  registerMetrics(registry, subscriptions, file);
  return { file, subscriptions, replica: new Replica({ subscriptions, file, now }) };
}

function registerMetrics(registry: Registry, subscriptions: Subscriptions, file: ReplicaFile): void {
  const gauge = gaugesOf(registry);
  gauge('holdfast_subscriptions', 'What this node keeps a copy of', () => subscriptions.scopes.size);
  gauge('holdfast_replica_records', 'Records of other agents that this node keeps a copy of', () => {
    return file.tryUse(({ records }) => records) ?? 0;
  });
  gauge(
    'holdfast_replica_behind_seconds',
    'Since when the subscription that is furthest behind may not have all there is; 0 while all have',
    () => Math.max(0, ...[...subscriptions.scopes.keys()].map((name) => subscriptions.behindSeconds(name) ?? 0)),
  );
  gauge('holdfast_replica_unread_subscriptions', 'Subscriptions that were never read to the end', () => {
    return [...subscriptions.scopes.keys()].filter((name) => !subscriptions.hasBeenWhole(name)).length;
  });
}
