import { existsSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { type Cursor, HoldfastError, type RestoreReport, ZERO_VERSION } from '@holdfast/protocol';
import { databaseFiles, FileBuilder, type RecordRow, removeDatabase, runSalvage } from '@holdfast/store';

import type { RestoreContext, Work } from './context.ts';
import { Doubts } from './doubts.ts';
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
  const doubts = new Doubts();
  let records = 0;
  let isWhole = true;
  for await (const rows of source.pages) {
    const { taken, wrong } = builder.take(rows);
    records += taken;
    isWhole &&= wrong.length === 0;
    for (const row of wrong) doubts.add(row, { version: row.version, isHeld: false });
    work.onProgress(records);
    // Requests have their turn between two pages, wherever the pages come from.
    await nextTurn();
    work.signal.throwIfAborted();
  }
  await source.settle(builder, NOWHERE, isWhole);
  const { salvaged, isComplete } = await salvageInto(building, context, doubts);
  const { count, listed } = doubts.losses((key) => builder.versionOf(key));
  return {
    incarnation: builder.incarnation,
    seq: builder.end.seq,
    report: {
      from: source.name,
      records,
      salvaged,
      lost: listed,
      lost_count: count,
      is_complete: isComplete && !source.hasGaps,
    },
  };
}

async function salvageInto(
  { work: { agent, signal, onProgress }, path, builder, source }: Building,
  { custody, log }: RestoreContext,
  doubts: Doubts,
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
  const incarnation = custody.incarnationOf(agent);
  const heldSeq = last === null || incarnation === null ? 0 : await source.heldSeq(incarnation);
  for await (const found of last === null ? [] : runSalvage({ path: last, builtPath: path, incarnation, signal })) {
    if (found.kind === 'foreign')
      log.error({ agent }, 'the file that was there is not of this agent: nothing is taken from it');
    if (found.kind === 'record') {
      doubts.settle(found.row);
      waitingLength += found.row.doc?.length ?? 0;
      if (waiting.push(found.row) >= SALVAGE_ROWS || waitingLength >= SALVAGE_LENGTH) flush();
    }
    if (found.kind === 'lost') {
      const isHeld = found.isAcked && found.place.seq <= heldSeq;
      doubts.add(found.place, { version: found.version, isHeld });
    }
    if (found.kind === 'end') isComplete = found.isComplete && found.lastSeq >= custody.markOf(agent);
  }
  flush();
  return { salvaged: builder.end.seq - before, isComplete };
}

// The file is renamed into its place: what stood in a log beside it would be lost.
function assertOneFile(path: string): void {
  const [log = ''] = databaseFiles(path);
  if (existsSync(log)) throw new HoldfastError('storage-failed', `${path} could not be written to one file`);
}
