import { z } from 'zod';

import { agentName, collectionName, nodeName, recordId, resourceName } from '../names.ts';
import { timestamp, version } from '../record.ts';
import { subscriptionSchema } from '../subscriptions.ts';

/** Whether an agent's file serves: it does, it was found damaged and set aside, or it is being rebuilt. */
const fileState = z.enum(['ok', 'damaged', 'restoring']);

/** One agent's state on its node. While its file does not serve, its figures are 0 and its times null. */
export const agentStatusSchema = z.object({
  agent: agentName,
  state: fileState,
  error: z
    .string()
    .nullable()
    .meta({ description: 'What is wrong with its file, or was noticed about it; null if nothing is' }),
  records: z.number().int(),
  bytes: z.number().int().meta({ description: 'Size of the agent file with its write-ahead log' }),
  seq: z.number().int().meta({ description: 'Position of the latest change' }),
  acked_seq: z.number().int().meta({ description: 'Position up to which the relay holds the stream' }),
  outbox: z.object({
    records: z.number().int(),
    oldest_seconds: z
      .number()
      .nullable()
      .meta({ description: 'Age of the oldest change the relay has not; null if none' }),
  }),
  last_ack_at: timestamp.nullable(),
  sync: z.string().meta({ description: "State of the stream's sync, such as `clean`, `sending`, `waiting`" }),
  sync_error: z.string().nullable().meta({ description: 'Why the stream is `waiting`; null if it is not' }),
  digest: z.enum(['equal', 'different', 'unknown']).meta({
    description:
      "What the last comparison with the relay's copy said; `different` is being repaired, or cannot be; `unknown` also while the link is not `open`",
  }),
  dead_letters: z.number().int(),
});

/** One agent's state on its node. */
export type AgentStatus = z.infer<typeof agentStatusSchema>;

/** How far the background check of all files is. */
export const scrubStatusSchema = z.object({
  state: z.enum(['off', 'waiting', 'checking']),
  files_done: z.number().int(),
  files_total: z.number().int(),
  last_pass_at: timestamp.nullable().meta({ description: 'When every file had been checked last' }),
  problems: z.number().int().meta({ description: 'Found since the start of the service' }),
});

/** How far the background check of all files is. */
export type ScrubStatus = z.infer<typeof scrubStatusSchema>;

/** Whether the disk takes writes. */
export const diskStatusSchema = z.object({
  state: z.enum(['ok', 'low', 'read-only']),
  free_bytes: z.number().int(),
  reserve_bytes: z.number().int().meta({ description: 'With less than that, writes get 507' }),
});

/** Whether the disk takes writes. */
export type DiskStatus = z.infer<typeof diskStatusSchema>;

/** How many locks are held, and how many calls wait for one. */
export const lockFiguresSchema = z.object({ held: z.number().int(), waiting: z.number().int() });

/** How far a node has what comes to it from others. */
const followingSchema = z.object({
  state: z
    .enum(['off', 'reading', 'following'])
    .meta({ description: '`off`: the relay is away; `reading`: there is more at once; `following`: it has all' }),
  caught_up_at: timestamp.nullable().meta({ description: 'When the node last had all; null: not since the start' }),
});

/** The node's state and that of its agents. */
export const nodeStatusSchema = z.object({
  node: nodeName.nullable().meta({ description: 'Null until the node is enrolled' }),
  version: z.string(),
  boot: z.string(),
  started_at: timestamp,
  relay: z.object({
    url: z.string().nullable(),
    state: z.string().meta({ description: 'State of the link, such as `open`, `waiting`, `paused`, `cloned`' }),
    last_contact_at: timestamp.nullable(),
    error: z.string().nullable(),
    takes_calls: z.boolean().meta({ description: 'Whether other nodes can call this one through the relay now' }),
  }),
  shared: followingSchema.meta({ description: 'How far the node has what others share' }),
  mail: followingSchema
    .extend({
      held: z
        .number()
        .int()
        .meta({ description: 'Letters held for agents that are not there, or whose files do not serve' }),
    })
    .meta({ description: 'How far the node has what agents of other nodes sent to its own' }),
  subscriptions: z.array(subscriptionSchema).meta({ description: 'What the node keeps a copy of' }),
  disk: diskStatusSchema,
  scrub: scrubStatusSchema,
  locks: lockFiguresSchema.meta({ description: 'Of the node' }),
  agents: z.array(agentStatusSchema),
});

/** The node's state and that of its agents. */
export type NodeStatus = z.infer<typeof nodeStatusSchema>;

/** A record that could not be brought back as it was last known. */
const lostRecordSchema = z.object({
  resource: resourceName,
  collection: collectionName,
  id: recordId,
  version: version.nullable().meta({ description: 'The version that was lost, as far as it could be read' }),
});

/** What restoring an agent brought back. */
const restoreReportSchema = z.object({
  from: z.string().meta({ description: '`relay`, or the backup' }),
  records: z.number().int().meta({ description: 'Taken from there, tombstones included' }),
  salvaged: z
    .number()
    .int()
    .meta({ description: 'Read whole from the file set aside, because the source had not these or older versions' }),
  lost: z.array(lostRecordSchema).max(1000).meta({
    description: 'In the file set aside, not readable, and not at the source in that version; the first 1000',
  }),
  lost_count: z.number().int(),
  is_complete: z.boolean().meta({
    description: 'Whether the file set aside could be read to its end, so that nothing else can be missing',
  }),
  set_aside: z
    .string()
    .nullable()
    .meta({ description: 'Where the file that was there is now; null if there was none' }),
});

/** What restoring an agent brought back. */
export type RestoreReport = z.infer<typeof restoreReportSchema>;

/** How far restoring an agent is. */
export const restoreStatusSchema = z.object({
  agent: agentName,
  state: z.enum(['none', 'running', 'done', 'failed']).meta({ description: '`none`: not since the service started' }),
  records_done: z.number().int(),
  started_at: timestamp.nullable(),
  ended_at: timestamp.nullable(),
  error: z.string().nullable(),
  report: restoreReportSchema.nullable(),
});

/** How far restoring an agent is. */
export type RestoreStatus = z.infer<typeof restoreStatusSchema>;
