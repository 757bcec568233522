import { copyFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { type CommitConfig, HybridClock, type Json, parseDocument } from '@holdfast/protocol';
import { SqliteRelayStore } from '@holdfast/relay';
import type { FileKind, StoreOperation } from '@holdfast/store';
import { AgentFiles } from '@holdfast/store';

import { batchOf, NOW_MS, sessionOf } from './relay-material.ts';

/** An open file and what is done to it. */
export interface Session {
  /** One after the other; each is answered when it resolves. Opening the file is the first. */
  readonly steps: readonly (() => Promise<unknown>)[];
  readonly close: () => void | Promise<void>;
}

/** Something that changes a file. The same steps on the same file make the same file: clock and names are fixed. */
export interface PointOperation {
  readonly name: string;
  readonly kind: FileKind;
  /** The file's name in its directory. */
  readonly file: string;
  /** Puts the file it begins with at a path. */
  readonly prepare: (path: string) => void | Promise<void>;
  /** Opens nothing yet. */
  readonly open: (path: string) => Session;
  /** Columns that are random whenever the file is made. */
  readonly random: readonly string[];
}

const COMMIT: CommitConfig = {
  'commit.operations': 512,
  'commit.bytes': 4_194_304,
  'commit.milliseconds': 10_000,
  'commit.queue': 10_000,
  'commit.queueBytes': 67_108_864,
};
const AGENT_FILE = 'agent.db';

/** Every operation whose points are tried. */
export const operations: readonly PointOperation[] = [
  agentOperation('put', newestAgent, (files) => [
    () => write(files, put('notes', 'new-1', { n: 1 })),
    () => write(files, put('notes', 'n-60', { text: 'x'.repeat(9000) })),
    () => write(files, { op: 'delete', collection: 'notes', id: 'n-61' }),
  ]),
  agentOperation('batch', newestAgent, (files) => [
    () => write(files, ...Array.from({ length: 20 }, (_, n) => put('batch', `b-${n}`, { n, text: 'y'.repeat(400) }))),
    () => write(files, put('batch', 'b-3', { again: true }), { op: 'delete', collection: 'batch', id: 'b-4' }),
  ]),
  agentOperation('acknowledge', newestAgent, (files) => [
    () => acknowledge(files, 10),
    () => write(files, put('notes', 'meanwhile', {})),
    () => acknowledge(files, 1000),
  ]),
  agentOperation('migrate', oldAgent, () => []),
  agentOperation(
    'make',
    () => undefined,
    (files) => [() => write(files, put('notes', 'first', {}))],
  ),
  {
    name: 'relay takes a batch',
    kind: 'relay',
    file: 'relay.db',
    prepare: async (path) => {
      oldRelay(path);
      await new SqliteRelayStore(path, COMMIT).close();
    },
    open: (path) => relaySession(path, true),
    random: [],
  },
  {
    name: 'relay migrates',
    kind: 'relay',
    file: 'relay.db',
    prepare: oldRelay,
    open: (path) => relaySession(path, false),
    random: [],
  },
];

/** Opens the file as the product does after a fault, and closes it again. Throws if it cannot be opened. */
export async function recover({ kind }: PointOperation, path: string): Promise<void> {
  if (kind === 'relay') await new SqliteRelayStore(path, COMMIT).close();
  else withAgentFiles(path, (files) => files.get('agent').summary());
}

function agentOperation(
  name: string,
  prepare: (path: string) => void,
  stepsOn: (files: AgentFiles) => Session['steps'],
): PointOperation {
  const open = (path: string): Session => {
    const files = agentFiles(path);
    const opening = async (): Promise<unknown> => Promise.resolve(files.get('agent').summary());
    return { steps: [opening, ...stepsOn(files)], close: () => files.close() };
  };
  return {
    name,
    kind: 'agent',
    file: AGENT_FILE,
    prepare,
    open,
    random: name === 'make' ? ['incarnation', 'seal'] : [],
  };
}

function relaySession(path: string, takes: boolean): Session {
  let store: SqliteRelayStore | undefined;
  const opened = (): SqliteRelayStore => (store ??= new SqliteRelayStore(path, COMMIT));
  const opening = async (): Promise<unknown> => Promise.resolve(opened().epoch);
  const taking = [
    () => opened().openSession(sessionOf()),
    () => opened().takeBatch(batchOf(1, 12)),
    () => opened().takeBatch(batchOf(13, 30)),
    () => opened().sweepExpired(NOW_MS, 100),
  ];
  return { steps: [opening, ...(takes ? taking : [])], close: () => opened().close() };
}

function agentFiles(path: string): AgentFiles {
  // Time goes on with each look at it, so that the file depends on the steps alone.
  let nowMs = NOW_MS;
  const now = (): number => (nowMs += 1);
  const clock = new HybridClock(now, '0000000a');
  return new AgentFiles({
    directory: dirname(path),
    clock,
    now,
    commit: COMMIT,
    maxOpen: 4,
    onCommit: () => undefined,
  });
}

function withAgentFiles(path: string, use: (files: AgentFiles) => unknown): void {
  const files = agentFiles(path);
  try {
    use(files);
  } finally {
    files.close();
  }
}

function write(files: AgentFiles, ...batch: readonly StoreOperation[]): Promise<unknown> {
  return files.get('agent').write({ resource: '', operations: batch });
}

function acknowledge(files: AgentFiles, changes: number): Promise<unknown> {
  const store = files.get('agent');
  const batch = store.outbox.next({ changes, bytes: 1_000_000 });
  if (batch === undefined) throw new Error('nothing waits');
  const reject = { seq: batch.upto.seq, code: 'unsafe-document', reason: 'for the test' };
  return store.acknowledge(batch.upto, [reject]);
}

function put(collection: string, id: string, value: Json): StoreOperation {
  return { op: 'put', collection, id, document: parseDocument(JSON.stringify(value)), expiresAtMs: null };
}

function newestAgent(path: string): void {
  oldAgent(path);
  withAgentFiles(path, (files) => files.get('agent').summary());
}

function oldAgent(path: string): void {
  copyFileSync(fixture('store', 'agent.db'), path);
}

function oldRelay(path: string): void {
  copyFileSync(fixture('relay', 'relay.db'), path);
}

/** A file as the first released schema left it. */
function fixture(owner: string, file: string): string {
  return fileURLToPath(new URL(`../../../packages/${owner}/test/fixtures/schema-1/${file}`, import.meta.url));
}
