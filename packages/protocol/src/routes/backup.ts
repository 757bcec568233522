import { z } from 'zod';

import { agentName } from '../names.ts';
import { timestamp } from '../record.ts';
import { type Route, writeErrors } from './route.ts';

/** A backup as it is listed. */
const backupSchema = z.object({
  id: z.string().meta({ description: 'When it was begun, such as `2026-11-20T14-00-00Z`' }),
  made_at: timestamp,
  files: z.number().int(),
  bytes: z.number().int().meta({ description: 'Size of the files that are in it' }),
  new_bytes: z.number().int().meta({ description: 'What it took on the disk beyond the backups before it' }),
  verified_at: timestamp.nullable().meta({ description: 'When it was restored into a scratch place and found whole' }),
  missing: z
    .array(z.object({ agent: agentName, reason: z.string() }))
    .meta({ description: 'Agents that are not in it, and why: a code of the catalogue' }),
  damaged_records: z
    .array(z.string())
    .meta({ description: 'What had rotted of a relay’s records before it was made, a line for each kind of damage' }),
});

/** A backup as it is listed. */
export type Backup = z.infer<typeof backupSchema>;

/** The backups there are, the one being made, and why the last one failed. */
export const backupsSchema = z.object({
  directory: z.string(),
  running: z
    .object({
      phase: z.enum(['copying', 'verifying']),
      files_done: z.number().int(),
      files_total: z.number().int(),
      bytes_done: z.number().int(),
      started_at: timestamp,
    })
    .nullable(),
  last_error: z.object({ at: timestamp, detail: z.string() }).nullable(),
  next_at: timestamp.nullable().meta({ description: 'When the next one is due; null without a schedule' }),
  backups: z.array(backupSchema).meta({ description: 'Newest first' }),
});

/** The backups there are. */
export type Backups = z.infer<typeof backupsSchema>;

/** Answer to every call about backups. */
const answer = { kind: 'json', schema: backupsSchema } as const;

/** What the calls about a service's backups have in common on node and relay; each adds its path and roles. */
export const backupCalls = {
  start: {
    method: 'POST',
    summary: 'Begin a backup of everything here; it is verified when it is written',
    status: 202,
    answer,
    errors: ['work-under-way', ...writeErrors],
  },
  list: {
    method: 'GET',
    summary: 'The backups there are, and how far the one under way is',
    status: 200,
    answer,
    errors: [],
  },
} as const satisfies Record<string, Omit<Route, 'path' | 'roles'>>;
