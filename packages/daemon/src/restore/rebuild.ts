import { existsSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { type Cursor, HoldfastError, type RestoreReport, ZERO_VERSION } from '@holdfast/protocol';
import {
  databaseFiles,
  FileBuilder,
  type RecordPlace,
  type RecordRow,
  removeDatabase,
  runSalvage,
  type Salvaged,
} from '@holdfast/store';

import type { RestoreContext, Work } from './context.ts';
import { Losses } from './losses.ts';
import { openSource, type Source } from './source.ts';

/** Records salvaged that are taken over in one transaction, and about as many UTF-16 code units of documents. */
const SALVAGE_ROWS = 500;
const SALVAGE_LENGTH = 4_194_304;

const NOWHERE: Cursor = { seq: 0, version: ZERO_VERSION };

/** A file rebuilt: which stream it is, how far it goes, and what is to be said of it. */
export interface Rebuilt {
  readonly incarnation: string;
  readonly seq: number;
  readonly report: Omit<RestoreReport, 'set_aside'>;
}

/**
 * Builds an agent's file anew beside its place: first what the source has, then what can be read of the agent's last file
 * and is newer, or not there. What came from the relay does not wait to be sent again; the rest does. The file is
 * whole, closed and on the disk when this resolves. Throws what the source throws, `storage-failed` and `disk-full`;
 * nothing of it is left then.
 */
export async function rebuildFile(work: Work, context: RestoreContext): Promise<Rebuilt> {
  const path = context.custody.rebuiltPath(work.agent);
  removeScratch(path);
  const source = await openSource(work, context, `${path}.source`);
  try {
    const rebuilt = await buildWhole({ work, path, source }, context);
    assertOneFile(path);
    return rebuilt;
  } catch (error) {
    removeScratch(path);
    throw context.guard.translate(error, 'the file could not be rebuilt', path);
  } finally {
    await source.close();
  }
}

/** Removes what an earlier attempt left. */
export function removeScratch(path: string): void {
  for (const scratch of [path, `${path}.source`, `${path}.mended`]) removeDatabase(scratch);
}

interface Place {
  readonly work: Work;
  readonly path: string;
  readonly source: Source;
}

interface Building extends Place {
  readonly builder: FileBuilder;
}

async function buildWhole(place: Place, context: RestoreContext): Promise<Rebuilt> {
  const builder = new FileBuilder(place.path, context.clock, context.now);
  try {
    return await build({ ...place, builder }, context);
  } finally {
    builder.close();
  }
}

async function build(building: Building, context: RestoreContext): Promise<Rebuilt> {
  const { work, builder, source } = building;
  const losses = new Losses();
  let records = 0;
  let wrong: readonly RecordRow[] = [];
  for await (const rows of source.pages) {
    const result = builder.take(rows);
    records += result.taken;
    wrong = [...wrong, ...result.wrong];
    work.onProgress(records);
    // Requests have their turn between two pages, wherever the pages come from.
    await nextTurn();
    work.signal.throwIfAborted();
  }
  await source.settle(builder, NOWHERE);
  const { salvaged, isComplete } = await salvageInto(building, context, losses);
  for (const row of wrong) if (!isThere(builder, row, row.version)) losses.add(row);
  return {
    incarnation: builder.incarnation,
    seq: builder.end.seq,
    report: {
      from: source.name,
      records,
      salvaged,
      lost: losses.listed,
      lost_count: losses.count,
      is_complete: isComplete,
    },
  };
}

async function salvageInto(
  { work: { agent, signal, onProgress }, path, builder }: Building,
  { custody }: RestoreContext,
  losses: Losses,
): Promise<{ salvaged: number; isComplete: boolean }> {
  const last = custody.lastFileOf(agent);
  const before = builder.end.seq;
  let isComplete = false;
  let waiting: RecordRow[] = [];
  let waitingLength = 0;
  const flush = (): void => {
    builder.take(waiting);
    waiting = [];
    waitingLength = 0;
    onProgress(builder.end.seq);
  };
  for await (const found of last === null ? [] : runSalvage({ path: last, builtPath: path, signal })) {
    if (found.kind === 'record') {
      waitingLength += found.row.doc?.length ?? 0;
      if (waiting.push(found.row) >= SALVAGE_ROWS || waitingLength >= SALVAGE_LENGTH) flush();
    }
    if (found.kind === 'lost' && isLost(found, builder)) losses.add({ ...found.place, version: found.version });
    if (found.kind === 'end') isComplete = found.isComplete && found.lastSeq >= custody.markOf(agent);
  }
  flush();
  return { salvaged: builder.end.seq - before, isComplete };
}

function isLost({ place, version, isAcked }: Salvaged & { kind: 'lost' }, builder: FileBuilder): boolean {
  // Of one whose version cannot be read: what the relay had of it is what the source has.
  return version === null ? !isAcked || builder.versionOf(place) === undefined : !isThere(builder, place, version);
}

function isThere(builder: FileBuilder, key: Omit<RecordPlace, 'seq'>, version: string): boolean {
  const there = builder.versionOf(key);
  return there !== undefined && there >= version;
}

// The file is renamed into its place: what stood in a log beside it would be lost.
function assertOneFile(path: string): void {
  const [log = ''] = databaseFiles(path);
  if (existsSync(log)) throw new HoldfastError('storage-failed', `${path} could not be written to one file`);
}
