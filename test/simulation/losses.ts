import { existsSync } from 'node:fs';

import { LETTERS, MAIL } from '@holdfast/daemon/parts';
import { DECLARATIONS } from '@holdfast/protocol';
import { type Database, openDatabase } from '@holdfast/sqlite';
import { digestOf, digestShare, digestText, sealAll } from '@holdfast/store';

/** A record as it stands in a file, as far as losing it needs it. */
export interface Losable {
  readonly place: number;
  readonly resource: string;
  readonly collection: string;
  readonly id: string;
  readonly hash: string;
  readonly deleted: number;
}

/** The records of an agent's file that the relay is to have as they stand. */
export function losableOnNode(path: string): readonly Losable[] {
  if (!existsSync(path)) return [];
  return withDatabase(path, (database) => {
    const rows = database.prepare(
      `SELECT seq AS place, resource, collection, id, hash, deleted FROM records
       WHERE seq <= (SELECT acked_seq FROM stream) AND rejected = 0 AND expires_at IS NULL
       AND collection NOT IN ('${DECLARATIONS}', '${LETTERS}', '${MAIL}') ORDER BY seq`,
    );
    return rows.all() as Losable[];
  });
}

/** Takes a record out of an agent's file as if it had never been there: the counters know nothing of it either. */
export function loseOnNode(path: string, { place, hash, collection, deleted }: Losable): void {
  withDatabase(path, (database) => {
    const digest = database.prepare('SELECT digest FROM stream').pluck().get() as string;
    database.prepare('DELETE FROM records WHERE seq = ?').run(place);
    database.prepare('UPDATE stream SET digest = ?').run(without(digest, hash));
    sealAll(database, 'stream');
    database.prepare('UPDATE collections SET records = records - ? WHERE name = ?').run(1 - deleted, collection);
  });
}

/** Takes a record of an agent out of the relay's database in the same way. False if there is none with that hash. */
export function loseOnRelay(path: string, node: string, agent: string, { hash }: Losable): boolean {
  return withDatabase(path, (database) => {
    const found = database
      .prepare(
        `SELECT position, agents.id AS agentId, digest, collection, deleted FROM records JOIN agents ON agents.id = agent_id
         WHERE node = ? AND agent = ? AND hash = ? AND outdated = 0`,
      )
      .get(node, agent, hash) as
      | { position: number; agentId: number; digest: string; collection: string; deleted: number }
      | undefined;
    if (found === undefined) return false;
    const { position, agentId, digest, collection, deleted } = found;
    database.prepare('DELETE FROM records WHERE position = ?').run(position);
    database.prepare('UPDATE agents SET digest = ? WHERE id = ?').run(without(digest, hash), agentId);
    database
      .prepare('UPDATE collections SET records = records - ? WHERE agent_id = ? AND name = ?')
      .run(1 - deleted, agentId, collection);
    return true;
  });
}

function without(digest: string, hash: string): string {
  return digestText(digestOf(digest) ^ digestShare({ hash, expiresAtMs: null }));
}

function withDatabase<Result>(path: string, run: (database: Database) => Result): Result {
  const database = openDatabase(path);
  try {
    return database.transaction(() => run(database))();
  } finally {
    database.close();
  }
}
