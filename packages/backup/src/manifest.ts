import { agentName, type Cursor, cursorSchema } from '@holdfast/protocol';
import { z } from 'zod';

/** The form of backups this version writes, and the newest it reads. */
export const BACKUP_FORMAT = 1;

/** Bytes of a file in one chunk; the last one may be shorter. A multiple of SQLite's page size. */
export const CHUNK_BYTES = 1_048_576;

/** How a backup is named: by the second it was begun, in UTC. */
export const BACKUP_ID: RegExp = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ$/;

/** Where an agent's stream stands in the copy of its file. */
export interface BackupStream {
  readonly incarnation: string;
  readonly last_seq: number;
  readonly acked: Cursor;
  /** Null in a file from before there were digests. */
  readonly digest: string | null;
}

/** One file of a backup. */
export interface BackupFile {
  readonly path: string;
  readonly bytes: number;
  /** Of the whole file. */
  readonly sha256: string;
  /** Hashes of its chunks, in order. */
  readonly chunks: readonly string[];
  /** Schema of the database; null for other files. */
  readonly schema: number | null;
  /** Null for all but agents' files. */
  readonly stream: BackupStream | null;
}

/** What makes a backup whole: every file it holds, chunk by chunk. Written last. */
export interface Manifest {
  readonly format: typeof BACKUP_FORMAT;
  readonly id: string;
  readonly service: ServiceKind;
  /** The node's name in the network; null for a relay, and for a node that has not joined. */
  readonly node: string | null;
  /** Version of the program that made it. */
  readonly holdfast: string;
  readonly made_at: string;
  readonly files: readonly BackupFile[];
  /** Agents that could not be copied, and why. */
  readonly missing: readonly { readonly agent: string; readonly reason: string }[];
  /** What it took on the disk beyond the backups before it. */
  readonly new_bytes: number;
}

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const streamSchema: z.ZodType<BackupStream> = z.object({
  incarnation: z.string().max(100),
  last_seq: z.int(),
  acked: cursorSchema,
  digest: z.string().max(100).nullable(),
});

const fileSchema: z.ZodType<BackupFile> = z.object({
  // The files a backup may have. Nothing else in it is ever written anywhere.
  path: z.string().refine((path) => kindOf(path) !== undefined),
  bytes: z.int().nonnegative(),
  sha256: hash,
  chunks: z.array(hash),
  schema: z.int().nonnegative().nullable(),
  stream: streamSchema.nullable(),
});

/** What a manifest must be like before anything is done with it. */
export const manifestSchema: z.ZodType<Manifest> = z.object({
  format: z.literal(BACKUP_FORMAT),
  id: z.string().regex(BACKUP_ID),
  service: z.enum(['node', 'relay']),
  node: z.string().max(100).nullable(),
  holdfast: z.string().max(100),
  made_at: z.iso.datetime(),
  files: z.array(fileSchema),
  missing: z.array(z.object({ agent: agentName, reason: z.string() })),
  new_bytes: z.int().nonnegative(),
});

/** The two services. */
export type ServiceKind = 'node' | 'relay';

/** What a file of a backup is. */
export type BackupFileKind = 'node' | 'relay' | 'agent' | 'secret';

const kinds: ReadonlyMap<string, BackupFileKind> = new Map([
  ['node.db', 'node'],
  ['relay.db', 'relay'],
  ['admin.token', 'secret'],
]);

/** What the file at a path in a backup is; undefined for a path that no backup has. */
export function kindOf(path: string): BackupFileKind | undefined {
  return kinds.get(path) ?? (agentOf(path) === undefined ? undefined : 'agent');
}

/** The agent whose file stands at a path in a backup; undefined if it is another file. */
export function agentOf(path: string): string | undefined {
  const name = /^agents\/(?<name>[^/]+)\.db$/.exec(path)?.groups?.['name'];
  return agentName.safeParse(name).success ? name : undefined;
}

/** Where an agent's file stands in a backup, and in a node's data directory. */
export function agentPath(agent: string): string {
  return `agents/${agent}.db`;
}
