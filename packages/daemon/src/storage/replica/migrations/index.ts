import type { Migration } from '@holdfast/sqlite';

import { replica } from './0001-replica.ts';

/** The schema of what a node subscribed to, `replica.db`, step by step. A file of a newer schema is made anew. */
export const replicaMigrations: readonly Migration[] = Object.freeze([replica]);
