import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type CommitConfig, HybridClock, isHoldfastError, parseDocument } from '@holdfast/protocol';
import { openDatabase } from '@holdfast/sqlite';
import { AgentStore } from '@holdfast/store';
import { expect } from 'vitest';

import { directorySource, type KnownSchemas, takeBackup, type Taken, type TakeOptions } from '../src/index.ts';

/** What the tests know: the schema of agents' files is whatever the store makes. */
export const schemas: KnownSchemas = { node: 0, relay: 0, agent: 1000 };

const commit: CommitConfig = {
  'commit.operations': 512,
  'commit.bytes': 4_194_304,
  'commit.milliseconds': 1000,
  'commit.queue': 10_000,
  'commit.queueBytes': 67_108_864,
};

/** Makes a data directory with what a node's database says about its backups, and an admin token. */
export function makeNode(directory: string, suffix = '0000000a'): void {
  mkdirSync(join(directory, 'agents'), { recursive: true, mode: 0o700 });
  const database = openDatabase(join(directory, 'node.db'));
  database.exec(`
    CREATE TABLE node (id INTEGER PRIMARY KEY, suffix TEXT) STRICT;
    CREATE TABLE enrolment (id INTEGER PRIMARY KEY, name TEXT) STRICT;
    INSERT INTO enrolment (id, name) VALUES (1, 'workstation');
  `);
  database.prepare('INSERT INTO node (id, suffix) VALUES (1, ?)').run(suffix);
  database.close();
  writeFileSync(join(directory, 'admin.token'), `secret-of-${suffix}\n`, { mode: 0o600 });
}

/** Does something with an agent's file, and closes it. */
export async function withAgent<Result>(
  directory: string,
  agent: string,
  work: (store: AgentStore) => Promise<Result> | Result,
): Promise<Result> {
  const store = new AgentStore({
    path: join(directory, 'agents', `${agent}.db`),
    clock: new HybridClock(Date.now, '0000000a'),
    now: Date.now,
    commit,
    onCommit: () => undefined,
  });
  try {
    return await work(store);
  } finally {
    store.close();
  }
}

/** Writes records with ids `from` up to but not `to` to an agent's file. */
export async function write(
  directory: string,
  agent: string,
  range: readonly [number, number],
  text = 'x',
): Promise<void> {
  const [from, to] = range;
  await withAgent(directory, agent, async (store) => {
    const writes = Array.from({ length: to - from }, (_, index) => {
      const id = `r-${from + index}`;
      const document = parseDocument(JSON.stringify({ id, text: text.repeat(500) }));
      const operation = { op: 'put', collection: 'notes', id, document, expiresAtMs: null } as const;
      return store.write({ resource: '', operations: [operation] });
    });
    await Promise.all(writes);
  });
}

/** Every record of an agent as `id version text`, in order. */
export function recordsOf(directory: string, agent: string): Promise<string[]> {
  return withAgent(directory, agent, (store) => {
    const { rows } = store.list({ resource: '', collection: 'notes' }, { prefix: '', after: '', limit: 100_000 });
    return rows.map(({ id, version, text }) => `${id} ${version} ${text}`);
  });
}

/** All records of a data directory, by agent. */
export async function contentOf(directory: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const names = existsSync(join(directory, 'agents')) ? readdirSync(join(directory, 'agents')) : [];
  const agents = names.filter((name) => name.endsWith('.db')).map((name) => name.slice(0, -'.db'.length));
  const entries = await Promise.all(agents.map(async (agent) => [agent, await recordsOf(directory, agent)] as const));
  return Object.fromEntries(entries);
}

/** Takes a backup of a data directory nobody has open. Each is named a second later than the one before. */
export function backUp(data: string, directory: string, options: Partial<TakeOptions> = {}): Promise<Taken> {
  return takeBackup({
    directory,
    isShared: true,
    source: directorySource('node', data),
    version: '0.0.0-test',
    now: Date.now,
    reserveBytes: 0,
    keep: 10,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...options,
  });
}

/** Names of all chunk files. */
export function chunksIn(directory: string): string[] {
  return readdirSync(join(directory, 'chunks'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .toSorted();
}

/** Awaits a failure with a code of the catalogue, and gives what it says. */
export async function refusal(promise: Promise<unknown>, code: string): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(isHoldfastError(error) ? error.code : error).toBe(code);
  return error instanceof Error ? error.message : '';
}
