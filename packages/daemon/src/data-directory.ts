import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { HoldfastError } from '@holdfast/protocol';
import { ensurePrivateDirectory, lockDirectory } from '@holdfast/sqlite';

import { Agents } from './service/agents.ts';
import { NodeDatabase } from './storage/node-database.ts';

/** Where things stand in a node's data directory. */
export function nodePaths(directory: string): Readonly<Record<'database' | 'agents' | 'adminToken' | 'socket' | 'service', string>> {
  return {
    database: join(directory, 'node.db'),
    agents: join(directory, 'agents'),
    adminToken: join(directory, 'admin.token'),
    socket: join(directory, 'node.sock'),
    service: join(directory, 'service.json'),
  };
}

/**
 * Makes a node's data directory (0700) with its database and an admin token, whose text goes to `admin.token` (0600) and
 * nowhere else. Throws `directory-unsafe`, `directory-locked`, and `bad-configuration` when there is a node already.
 */
export function initNode(directory: string): { readonly adminTokenFile: string } {
  const paths = nodePaths(directory);
  ensurePrivateDirectory(directory);
  const lock = lockDirectory(directory);
  try {
    if (existsSync(paths.database)) throw new HoldfastError('bad-configuration', `${directory} holds a node already`);
    makeNode(directory);
    return { adminTokenFile: paths.adminToken };
  } finally {
    lock.release();
  }
}

/** Opens a node's database in a directory this process has locked, making both if the directory is empty. */
export function openNode(directory: string): NodeDatabase {
  const paths = nodePaths(directory);
  if (!existsSync(paths.adminToken) && !existsSync(paths.database)) makeNode(directory);
  mkdirSync(paths.agents, { recursive: true, mode: 0o700 });
  return new NodeDatabase(paths.database);
}

function makeNode(directory: string): void {
  const paths = nodePaths(directory);
  mkdirSync(paths.agents, { recursive: true, mode: 0o700 });
  const database = new NodeDatabase(paths.database);
  try {
    const token = new Agents(database, Date.now).addAdminToken();
    writeFileSync(paths.adminToken, `${token}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    rmSync(paths.database, { force: true });
    throw error;
  } finally {
    database.close();
  }
}
