import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { HoldfastError } from '@holdfast/protocol';
import { ensurePrivateDirectory, lockDirectory, refuseEmpty, type StorageGuard } from '@holdfast/sqlite';

import { Agents } from './service/agents.ts';
import { NodeDatabase } from './storage/node-database.ts';

/** Where things stand in a node's data directory. */
export function nodePaths(
  directory: string,
): Readonly<Record<'database' | 'cache' | 'replica' | 'agents' | 'damaged' | 'adminToken' | 'socket', string>> {
  return {
    database: join(directory, 'node.db'),
    cache: join(directory, 'cache.db'),
    replica: join(directory, 'replica.db'),
    agents: join(directory, 'agents'),
    damaged: join(directory, 'damaged'),
    adminToken: join(directory, 'admin.token'),
    socket: join(directory, 'node.sock'),
  };
}

/**
 * Makes a node's data directory (0700) with its database and an admin token, whose text goes to `admin.token` (0600) and
 * nowhere else. Throws `directory-unsafe`, `directory-locked`, and `already-initialised` when there is a node already.
 */
export function initNode(directory: string): { readonly adminTokenFile: string } {
  const paths = nodePaths(directory);
  ensurePrivateDirectory(directory);
  const lock = lockDirectory(directory);
  try {
    if (existsSync(paths.database)) throw new HoldfastError('already-initialised', `there is a node in ${directory}`);
    openNode(directory).close();
    return { adminTokenFile: paths.adminToken };
  } finally {
    lock.release();
  }
}

/**
 * Opens a node's database in a directory this process has locked, making what is missing. Throws `file-damaged` when the
 * database is missing and agents' files are there.
 */
export function openNode(directory: string, guard?: StorageGuard): NodeDatabase {
  const paths = nodePaths(directory);
  mkdirSync(paths.agents, { recursive: true, mode: 0o700 });
  if (readdirSync(paths.agents).some((name) => name.endsWith('.db'))) refuseEmpty(paths.database);
  const database = new NodeDatabase(paths.database, guard);
  try {
    // Asked of the database and not of the files: a node may have been killed while it was being made.
    const hasAdmin = database.tokens().some(({ role }) => role === 'admin');
    if (!hasAdmin) new Agents(database, Date.now).addAdminToken((text) => writeSecret(paths.adminToken, text));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function writeSecret(path: string, text: string): void {
  rmSync(path, { force: true });
  writeFileSync(path, `${text}\n`, { mode: 0o600, flag: 'wx', flush: true });
}
