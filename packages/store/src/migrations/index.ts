import type { Migration } from '@holdfast/sqlite';

import { agentFile } from './0001-agent-file.ts';
import { digest } from './0002-digest.ts';
import { seals } from './0003-seals.ts';
import { declared } from './0004-declared.ts';
import { retention } from './0005-retention.ts';
import { feed } from './0006-feed.ts';
import { fences } from './0007-fences.ts';
import { derived } from './0008-derived.ts';
import { feedPlace } from './0009-feed-place.ts';

/** The schema of an agent's file, step by step. */
export const agentMigrations: readonly Migration[] = Object.freeze([
  agentFile,
  digest,
  seals,
  declared,
  retention,
  feed,
  fences,
  derived,
  feedPlace,
]);
