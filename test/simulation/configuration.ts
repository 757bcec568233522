import type { CommitConfig, NodeConfig } from '@holdfast/protocol';

/** How commits are grouped: by what arrives together alone, never by how fast the machine is. */
export const commitConfig: CommitConfig = Object.freeze({
  'commit.operations': 64,
  'commit.bytes': 1_048_576,
  'commit.milliseconds': 1_000_000_000,
  'commit.queue': 10_000,
  'commit.queueBytes': 67_108_864,
});

/** How nodes sync: as they do by default. */
export const syncConfig: Pick<NodeConfig, 'sync.lingerMilliseconds' | 'sync.concurrency' | 'sync.heartbeatSeconds'> =
  Object.freeze({ 'sync.lingerMilliseconds': 5, 'sync.concurrency': 4, 'sync.heartbeatSeconds': 15 });

/** How long a silent session keeps another start out. */
export const LEASE_SECONDS = 60;

/** How long a node waits for an answer. */
export const TIMEOUT_MS = 30_000;

/** The collection that agents write into. */
export const COLLECTION = 'notes';

/** The nodes there may be in a world, and the agents on each. */
export const NODES: readonly string[] = Object.freeze(['north', 'south', 'west']);
export const AGENTS: readonly string[] = Object.freeze(['ada', 'bob']);
