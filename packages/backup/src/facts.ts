import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { openForReading, schemaVersion } from '@holdfast/sqlite';

import { agentOf, type BackupFileKind, type BackupStream } from './manifest.ts';

/** Since this schema a node's database knows of its agents' files. */
const MARKS_SCHEMA = 2;

type Reading = ReturnType<typeof openForReading>;

/** What a manifest says about a database, read from its copy. */
export interface Facts {
  readonly schema: number | null;
  readonly stream: BackupStream | null;
  /** The node's name, in its own database. */
  readonly node: string | null;
}

const noFacts: Facts = { schema: null, stream: null, node: null };

/** The stream that each agent's file holds, as far as a node's database knows. Throws SQLite's own errors. */
export function incarnationsOfNode(path: string): ReadonlyMap<string, string> {
  return reading(path, (database) => {
    if (schemaVersion(database) < MARKS_SCHEMA) return new Map();
    const known = database.prepare('SELECT name, incarnation FROM agents WHERE incarnation IS NOT NULL').raw();
    return new Map(known.all() as [string, string][]);
  });
}

/** Reads what a manifest says about a file. Throws SQLite's own errors. */
export function readFacts(path: string, kind: BackupFileKind): Facts {
  if (kind === 'secret') return noFacts;
  return reading(path, (database) => ({
    schema: schemaVersion(database),
    stream: kind === 'agent' ? streamOf(database) : null,
    node: kind === 'node' ? nodeOf(database) : null,
  }));
}

/** Who a node is to its backups: random digits made with its database. Throws SQLite's own errors. */
export function ownerOfNode(path: string): string {
  return reading(path, (database) => String(database.prepare('SELECT suffix FROM node WHERE id = 1').pluck().get()));
}

/** The agents of a node that have had a file, as far as its database knows. Throws SQLite's own errors. */
export function agentsOfNode(path: string): string[] {
  return reading(path, (database) => {
    if (schemaVersion(database) < MARKS_SCHEMA) return [];
    const known = database.prepare('SELECT name FROM agents WHERE incarnation IS NOT NULL OR damaged_at IS NOT NULL');
    return known.pluck().all() as string[];
  });
}

/**
 * Changes in a node's data that nobody has open which were never sent to its relay; 0 for a node that has none. What cannot
 * be read is not counted.
 */
export function unsentIn(directory: string): number {
  const database = join(directory, 'node.db');
  const agents = join(directory, 'agents');
  if (!existsSync(agents) || readable(database, nodeOf) === null) return 0;
  const paths = readdirSync(agents).filter((name) => agentOf(`agents/${name}`) !== undefined);
  return paths.reduce((sum, name) => sum + (readable(join(agents, name), outboxOf) ?? 0), 0);
}

/** What is read from a database; null also for one that cannot be read. */
function readable<Result>(path: string, read: (database: Reading) => Result): Result | null {
  try {
    return reading(path, read);
  } catch {
    return null;
  }
}

function outboxOf(database: Reading): number {
  return Number(database.prepare('SELECT outbox FROM stream WHERE id = 1').pluck().get());
}

function reading<Result>(path: string, read: (database: Reading) => Result): Result {
  const database = openForReading(path);
  try {
    return read(database);
  } finally {
    database.close();
  }
}

interface StreamColumns {
  readonly incarnation: string;
  readonly last_seq: number;
  readonly seq: number;
  readonly version: string;
}

function streamOf(database: Reading): BackupStream | null {
  const row = database
    .prepare('SELECT incarnation, last_seq, acked_seq AS seq, acked_version AS version FROM stream WHERE id = 1')
    .get() as StreamColumns | undefined;
  if (row === undefined) return null;
  const { incarnation, last_seq, seq, version } = row;
  return { incarnation, last_seq, acked: { seq, version }, digest: digestIn(database) };
}

/** Files of schema 1 have no digest. */
function digestIn(database: Reading): string | null {
  if (schemaVersion(database) < 2) return null;
  return String(database.prepare('SELECT digest FROM stream WHERE id = 1').pluck().get());
}

function nodeOf(database: Reading): string | null {
  return (database.prepare('SELECT name FROM enrolment WHERE id = 1').pluck().get() as string | undefined) ?? null;
}
