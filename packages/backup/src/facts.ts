import { openForReading, schemaVersion } from '@holdfast/sqlite';

import type { BackupFileKind, BackupStream } from './manifest.ts';

type Reading = ReturnType<typeof openForReading>;

/** What a manifest says about a database, read from its copy. */
export interface Facts {
  readonly schema: number | null;
  readonly stream: BackupStream | null;
  /** The node's name, in its own database. */
  readonly node: string | null;
}

const noFacts: Facts = { schema: null, stream: null, node: null };

/** Reads what a manifest says about a file. Throws SQLite's own errors. */
export function readFacts(path: string, kind: BackupFileKind): Facts {
  if (kind === 'secret') return noFacts;
  return reading(path, (database) => ({
    schema: schemaVersion(database),
    stream: kind === 'agent' ? streamOf(database) : null,
    node: kind === 'node' ? nodeOf(database) : null,
  }));
}

/** Who a node is to its backups: the random suffix of its versions. Throws SQLite's own errors. */
export function ownerOfNode(path: string): string {
  return reading(path, (database) => String(database.prepare('SELECT suffix FROM node WHERE id = 1').pluck().get()));
}

/** The agents of a node that have had a file, as far as its database knows. Throws SQLite's own errors. */
export function agentsOfNode(path: string): string[] {
  return reading(path, (database) => {
    // Before schema 2 it did not know.
    if (schemaVersion(database) < 2) return [];
    const known = database.prepare('SELECT name FROM agents WHERE incarnation IS NOT NULL OR damaged_at IS NOT NULL');
    return known.pluck().all() as string[];
  });
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
