import { availableParallelism } from 'node:os';

import { HoldfastProblem, HoldfastUnreachable } from '@holdfast/client';

import { CommandError } from '../command-error.ts';
import { cliVersion } from '../version.ts';
import type { Figure } from './figures/figure.ts';
import { machineCpuSeconds } from './processor.ts';
import type { Reading } from './reading.ts';
import { describeMachine, type Report, type Unmeasured } from './report.ts';
import { fullScale, quickScale, type Scale } from './scale.ts';
import { Surroundings } from './surroundings.ts';

/** What a run measures. */
export interface RunOptions {
  readonly figures: readonly Figure[];
  readonly quick: boolean;
  /** Told before each figure. */
  readonly onFigure: (figure: Figure) => void;
}

/**
 * Measures the figures one after the other, each in a directory of its own that is removed afterwards. One that cannot
 * be measured is reported as such, and the next one goes on.
 */
export async function runBench({ figures, quick, onFigure }: RunOptions): Promise<Report> {
  const machine = describeMachine();
  const at = new Date().toISOString();
  const scale = quick ? quickScale : fullScale;
  const readings: Reading[] = [];
  const unmeasured: Unmeasured[] = [];
  const neighbours: Record<string, number> = {};
  for (const figure of figures) {
    onFigure(figure);
    try {
      const { value, othersShare } = await withOthersShare(() => measure(figure, scale));
      readings.push(...value);
      neighbours[figure.name] = Number(othersShare.toFixed(3));
    } catch (error) {
      unmeasured.push({ name: figure.name, reason: reasonOf(error) });
    }
  }
  return { version: cliVersion, at, quick, machine, readings, neighbours, unmeasured };
}

async function measure(figure: Figure, scale: Scale): Promise<readonly Reading[]> {
  await using surroundings = new Surroundings();
  return await figure.measure({ surroundings, scale });
}

/** Runs `work`, whose processes have all ended afterwards, and says which share of all cores others took meanwhile. */
async function withOthersShare<Value>(work: () => Promise<Value>): Promise<{ value: Value; othersShare: number }> {
  const before = machineCpuSeconds();
  const startedAtMs = performance.now();
  const value = await work();
  const seconds = (performance.now() - startedAtMs) / 1000;
  const after = machineCpuSeconds();
  const othersSeconds = after.all - before.all - (after.ours - before.ours);
  return { value, othersShare: Math.max(0, othersSeconds / (seconds * availableParallelism())) };
}

function reasonOf(error: unknown): string {
  const isOfTheWorld =
    error instanceof CommandError || error instanceof HoldfastProblem || error instanceof HoldfastUnreachable;
  if (isOfTheWorld) return error.message;
  throw error;
}
