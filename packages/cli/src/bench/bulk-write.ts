import type { BulkPlan, BulkResult } from './bulk-plan.ts';
import type { LoopPlan, LoopResult } from './loop-plan.ts';
import type { Surroundings } from './surroundings.ts';

/** Rows of one transaction, in the daemon and in the plain loop. */
export const CHUNK_ROWS = 512;

/** Writes sample rows to a daemon through one NDJSON batch. Throws CommandError unless all are written. */
export async function writeBulk(surroundings: Surroundings, plan: BulkPlan): Promise<BulkResult> {
  return surroundings.run<BulkResult>('bulk-writer', plan);
}

/** What the plain loop came to. */
export interface LoopRate {
  readonly perSecond: number;
  readonly cpuUsPerRow: number;
}

/** Stores sample rows by the plain loop. */
export async function runPlainLoop(
  surroundings: Surroundings,
  plan: Pick<LoopPlan, 'path' | 'rows' | 'fromText'>,
): Promise<LoopRate> {
  const result = await surroundings.run<LoopResult>('plain-loop', { ...plan, chunkRows: CHUNK_ROWS });
  const { rows, seconds, cpuSeconds } = result;
  return { perSecond: rows / seconds, cpuUsPerRow: (cpuSeconds * 1e6) / rows };
}
