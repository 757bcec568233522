import { type Cursor, ZERO_VERSION } from '@holdfast/protocol';
import type { IncomingBatch, IncomingChange, SessionOpening } from '@holdfast/relay';
import { recordHash } from '@holdfast/store';

/** A node the relay's fixture knows, by its boot there. */
const NODE = 'htpc';
/** The boot of that node. */
const BOOT = 'b'.repeat(32);
/** When all of it happens. */
export const NOW_MS = 1_900_000_000_000;

const LEASE_MS = 60_000;

/** Renews the node's session. */
export function sessionOf(): SessionOpening {
  return { node: NODE, boot: BOOT, nowMs: NOW_MS, silentBeforeMs: NOW_MS - LEASE_MS, predecessors: [BOOT] };
}

/** Changes with these seqs on top of the one before the first: new records, some deleted, some that expire, one refused. */
export function batchOf(firstSeq: number, lastSeq: number): IncomingBatch {
  const changes = Array.from({ length: lastSeq - firstSeq + 1 }, (_, at) => changeOf(firstSeq + at));
  const [base, upto] = [cursorOf(firstSeq - 1), cursorOf(lastSeq)];
  const header = { boot: BOOT, agent: 'points', incarnation: 'e'.repeat(32), base, upto, count: changes.length };
  const speaker = { node: NODE, boot: BOOT, nowMs: NOW_MS, silentBeforeMs: NOW_MS - LEASE_MS };
  return { ...speaker, header, changes, bytes: 10_000 };
}

function cursorOf(seq: number): Cursor {
  return { seq, version: seq === 0 ? ZERO_VERSION : versionOf(seq) };
}

function changeOf(seq: number): IncomingChange {
  if (seq % 11 === 0) {
    const refusal = { code: 'unsafe-document', reason: 'for the test' };
    return {
      seq,
      line: `{"seq":${seq}}`,
      refusal: { ...refusal, resource: null, collection: null, record: null, version: null },
    };
  }
  const deleted = seq % 5 === 0;
  const content = {
    resource: '',
    collection: 'points',
    id: `p-${seq % 20}`,
    version: versionOf(seq),
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    expiresAtMs: seq % 7 === 0 ? NOW_MS - 1 : null,
    deleted,
    doc: deleted ? null : JSON.stringify({ seq, text: 'z'.repeat(300) }),
  };
  const row = { ...content, seq, hash: recordHash(content) };
  return { seq, row, line: JSON.stringify(row) };
}

function versionOf(seq: number): string {
  return `${(NOW_MS + seq).toString(16).padStart(12, '0')}-0000-0000000b`;
}
