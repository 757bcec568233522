import { join } from 'node:path';

import { NodeDatabase } from '@holdfast/daemon/parts';
import { nodeMigrations } from '@holdfast/daemon';
import { SqliteRelayStore, type TokenEntry } from '@holdfast/relay';
import { createSqliteRelay } from '@holdfast/relay/parts';
import { migrate, openDatabase } from '@holdfast/sqlite';

import { AGENTS, commitConfig, NODES } from './configuration.ts';
import { makeDirectory, type SimulatedDisk } from './disk.ts';

/** Directories that worlds begin with: a relay where all nodes are enrolled, and the nodes. */
export interface Template {
  readonly relay: string;
  readonly nodes: readonly (readonly [node: string, directory: string])[];
}

/** Makes the directories worlds begin with. */
export async function makeTemplate(disk: SimulatedDisk): Promise<Template> {
  const relay = makeDirectory(disk.place());
  const path = join(relay, 'relay.db');
  createSqliteRelay(path, token('admin', 'admin'));
  const store = new SqliteRelayStore(path, commitConfig);
  for (const node of NODES) {
    await store.addToken(token('join', node));
    await store.join(`join-${node}`, token('node', node));
  }
  await store.close();
  return { relay, nodes: NODES.map((node, index) => [node, makeNode(disk, index)] as const) };
}

function token(role: TokenEntry['role'], name: string): TokenEntry {
  const id = `${role}-${name}`;
  return { id, hash: id, role, name, createdAtMs: 0, expiresAtMs: role === 'join' ? 1 : null, replaces: false };
}

// The suffix is made by hand: it is random otherwise, and ends every version.
function makeNode(disk: SimulatedDisk, index: number): string {
  const directory = disk.place();
  makeDirectory(join(directory, 'agents'));
  const path = join(directory, 'node.db');
  const database = openDatabase(path);
  migrate(database, nodeMigrations);
  database.prepare('INSERT INTO node (id, suffix) VALUES (1, ?)').run(`${index + 1}`.repeat(8));
  database.close();
  const node = new NodeDatabase(path);
  for (const name of AGENTS) node.addAgent({ name, createdAtMs: 0 });
  node.close();
  return directory;
}
