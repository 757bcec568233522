import { dirname } from 'node:path';

import { type CommitConfig, HoldfastError, HybridClock } from '@holdfast/protocol';
import { AgentFiles, type AgentStore, type FileWatch } from '@holdfast/store';

const COMMIT: CommitConfig = {
  'commit.operations': 512,
  'commit.bytes': 4_194_304,
  'commit.milliseconds': 10_000,
  'commit.queue': 10_000,
  'commit.queueBytes': 67_108_864,
};
const PAGE = 50;
const RESOURCES = ['', 'app:user_1'];
const MOST_CHANGES = 1000;
const MOST_BYTES = 10_000_000;

/** The one agent of a template and its mutants. */
export const AGENT = 'agent';
/** Its file. */
export const AGENT_FILE: string = `${AGENT}.db`;

/** The agent files of a directory, as the daemon opens them; `onScan` hears what the write-ahead log looked like. */
export function openFiles(path: string, onScan: (state: string) => void = () => undefined): AgentFiles {
  const watch: FileWatch = {
    admit: () => undefined,
    scanned: (_agent, { state }) => onScan(state),
    opened: () => undefined,
    damaged: (_agent, reason) => new HoldfastError('file-damaged', reason),
  };
  const clock = new HybridClock(Date.now, '0000000a');
  const options = { clock, now: Date.now, commit: COMMIT, maxOpen: 4, onCommit: () => undefined };
  return new AgentFiles({ directory: dirname(path), watch, ...options });
}

/** Everything an agent and the sync can read of a file, by every way there is, as text. Throws where a read throws. */
export function readEverything(store: AgentStore): string {
  const answers: unknown[] = [store.collections(), store.counters.lastSeq, store.counters.lastVersion];
  for (const { name: collection } of store.collections()) {
    for (const resource of RESOURCES) answers.push(...readCollection(store, resource, collection));
  }
  answers.push(store.outbox.above({ seq: 0, version: '' }, { changes: MOST_CHANGES, bytes: MOST_BYTES }));
  answers.push(store.outbox.next({ changes: MOST_CHANGES, bytes: MOST_BYTES }), store.outbox.deadLetters());
  return JSON.stringify(answers);
}

function readCollection(store: AgentStore, resource: string, collection: string): readonly unknown[] {
  const answers: unknown[] = [];
  let after = '';
  for (;;) {
    const { rows, isMore } = store.list({ resource, collection }, { prefix: '', after, limit: PAGE });
    answers.push(rows);
    for (const { id } of rows) answers.push(store.read(resource, collection, id));
    after = rows.at(-1)?.id ?? '';
    if (!isMore) break;
  }
  answers.push(store.query(resource, collection, { limit: 1000 }));
  return answers;
}
