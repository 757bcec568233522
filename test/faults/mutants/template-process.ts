import { type Json, parseDocument } from '@holdfast/protocol';
import { openDatabase } from '@holdfast/sqlite';
import type { AgentStore, StoreOperation } from '@holdfast/store';

import { AGENT, openFiles } from './agent-state.ts';

// Writes the file that mutants are made of, and is killed with it open, so that a part of it stands in the write-ahead
// log, with frames of an older round behind its end. With `acknowledged` the relay has all of it.

const [path = '', kind = ''] = process.argv.slice(2);
const files = openFiles(path);
const store = files.get(AGENT);
await fill(store, 0, 40);
// The next transactions begin the log anew.
const other = openDatabase(path);
other.pragma('wal_checkpoint(RESTART)');
other.close();
await fill(store, 40, 60);
process.stdout.write('all but the last\n');
await new Promise((resolve) => process.stdin.once('data', resolve));
if (kind === 'acknowledged') await acknowledge(store, 10_000);
else await write(store, put('notes', 'last', { in: 'flight' }));
process.stdout.write('all\n');
// Kept open until it is killed.
setInterval(() => store.isIdle, 1000);

async function fill(into: AgentStore, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n += 1) {
    await write(into, put('notes', `note-${n}`, { n, text: 'Zoë 山田 '.repeat(n % 37) }));
    await write(into, put('chores', `chore-${n % 15}`, { n, done: n % 2 === 0 }), 'app:user_1');
    if (n % 9 === 8) await write(into, { op: 'delete', collection: 'notes', id: `note-${n - 3}` });
    if (n % 20 === 19) await acknowledge(into, 15);
  }
}

async function acknowledge(into: AgentStore, changes: number): Promise<void> {
  const batch = into.outbox.next({ changes: Math.min(changes, 1000), bytes: 10_000_000 });
  if (batch === undefined) throw new Error('nothing waits');
  await into.acknowledge(batch.upto, []);
}

async function write(into: AgentStore, operation: StoreOperation, resource = ''): Promise<void> {
  await into.write({ resource, operations: [operation] });
}

function put(collection: string, id: string, value: Json): StoreOperation {
  return { op: 'put', collection, id, document: parseDocument(JSON.stringify(value)), expiresAtMs: null };
}
