import { setImmediate as nextTurn } from 'node:timers/promises';

import type { Now } from '@holdfast/protocol';
import { type AgentFiles, SteadyTime } from '@holdfast/store';
import type { Logger } from 'pino';

import type { Timers } from '../sync/timers.ts';

/** Records removed in one transaction, so that requests are not kept waiting. */
const SWEEP_RECORDS = 500;

/** What sweeping needs. */
export interface ExpiryOptions {
  readonly files: AgentFiles;
  readonly agents: () => readonly string[];
  readonly hasRelay: () => boolean;
  readonly everyMs: number;
  readonly now: Now;
  /** See `SteadyTimeOptions`. */
  readonly monotonicMs?: () => number;
  readonly timers: Timers;
  readonly log: Logger;
}

/** Sweeps expired records out of every agent's file, again and again. The function returned ends it. */
export function sweepRegularly(options: ExpiryOptions): () => void {
  const { now, monotonicMs, log } = options;
  const time = new SteadyTime({
    now,
    ...(monotonicMs !== undefined && { monotonicMs }),
    onLeap: (aheadMs) => log.warn({ aheadMs }, 'the clock leapt ahead: what expired by it is kept for a day'),
  });
  let disarm: (() => void) | undefined;
  let isStopped = false;
  const arm = (): void => {
    disarm = options.timers.after(options.everyMs, () => {
      void sweepAll({ ...options, now: () => time.now() }, () => isStopped).finally(() => isStopped || arm());
    });
  };
  arm();
  return () => {
    isStopped = true;
    disarm?.();
  };
}

async function sweepAll(options: ExpiryOptions, isStopped: () => boolean): Promise<void> {
  for (const agent of options.agents()) {
    if (isStopped()) return;
    try {
      await sweepAgent(agent, options, isStopped);
    } catch (error) {
      options.log.error({ agent, err: error }, 'expired records could not be swept; tried again later');
    }
    await nextTurn();
  }
}

async function sweepAgent(agent: string, options: ExpiryOptions, isStopped: () => boolean): Promise<void> {
  const { files, now, hasRelay } = options;
  const { nextExpiryMs } = files.summary(agent);
  if (nextExpiryMs === null || nextExpiryMs > now()) return;
  for (let removed = SWEEP_RECORDS; removed === SWEEP_RECORDS && !isStopped();) {
    removed = await files.get(agent).sweep(SWEEP_RECORDS, hasRelay(), now());
  }
}
