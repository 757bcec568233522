import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { startProcess, type TemporaryDirectory } from '@holdfast/testkit';

const writer = fileURLToPath(new URL('log-writer.ts', import.meta.url));
const continuer = fileURLToPath(new URL('log-continuer.ts', import.meta.url));

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** How a log is filled. */
export interface LogPlan {
  readonly pageBytes: number;
  /** Transactions of an earlier generation of the log, carried into the database and then written over. */
  readonly older: number;
  /** Those take from none to one less of these pages each, besides the one their row is in. */
  readonly olderPages: number;
  readonly transactions: number;
}

/** The database and log of a process that was killed. */
export interface CrashedLog {
  readonly database: Buffer;
  readonly log: Buffer;
  /** The log before its last transaction. */
  readonly before: Buffer;
  readonly frameBytes: number;
  /** Numbers of the frames that end this generation's transactions. */
  readonly commits: readonly number[];
}

/** Has a process of its own write a log, and kills it. */
export async function crashedLog(place: TemporaryDirectory, plan: LogPlan): Promise<CrashedLog> {
  const path = place.file(`written-${plan.pageBytes}-${plan.older}-${plan.olderPages}-${plan.transactions}.db`);
  const args = [writer, path, ...[plan.pageBytes, plan.older, plan.olderPages, plan.transactions].map(String)];
  const child = await startProcess({ args, ready: /^ready$/ });
  await child.kill('SIGKILL');
  const log = readFileSync(`${path}-wal`);
  const frameBytes = FRAME_HEADER_BYTES + plan.pageBytes;
  const before = readFileSync(`${path}-before`);
  return { database: readFileSync(path), log, before, frameBytes, commits: commitsIn(log, frameBytes) };
}

/** The log after one more transaction, by a process that found this one and was killed in its turn. */
export async function continuedLog(place: TemporaryDirectory, found: CrashedLog, pages: number): Promise<Buffer> {
  const path = place.file(`continued-${pages}.db`);
  writeFileSync(path, found.database);
  writeFileSync(`${path}-wal`, found.log);
  const child = await startProcess({ args: [continuer, path, String(pages)], ready: /^ready$/ });
  await child.kill('SIGKILL');
  return readFileSync(`${path}-wal`);
}

/** Where a frame begins. */
export function frameStart({ frameBytes }: Pick<CrashedLog, 'frameBytes'>, frame: number): number {
  return HEADER_BYTES + frame * frameBytes;
}

/** The number of the last frame that ends a transaction of a log's generation. */
export function lastCommit(log: Buffer, { frameBytes }: Pick<CrashedLog, 'frameBytes'>): number {
  return commitsIn(log, frameBytes).at(-1) ?? -1;
}

function commitsIn(log: Buffer, frameBytes: number): number[] {
  const salts = log.subarray(16, 24);
  const commits: number[] = [];
  for (let frame = 0; HEADER_BYTES + (frame + 1) * frameBytes <= log.length; frame += 1) {
    const at = HEADER_BYTES + frame * frameBytes;
    const isOfGeneration = log.subarray(at + 8, at + 16).equals(salts);
    if (!isOfGeneration) break;
    if (log.readUInt32BE(at + 4) !== 0) commits.push(frame);
  }
  return commits;
}
