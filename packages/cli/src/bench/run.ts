import { HoldfastProblem, HoldfastUnreachable } from '@holdfast/client';

import { CommandError } from '../command-error.ts';
import { cliVersion } from '../version.ts';
import type { Figure, Setting } from './figures/figure.ts';
import type { Reading } from './reading.ts';
import { describeMachine, type Report, type Unmeasured } from './report.ts';
import { fullScale, quickScale } from './scale.ts';
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
  for (const figure of figures) {
    onFigure(figure);
    try {
      await using surroundings = new Surroundings();
      readings.push(...(await figure.measure({ surroundings, scale } satisfies Setting)));
    } catch (error) {
      unmeasured.push({ name: figure.name, reason: reasonOf(error) });
    }
  }
  return { version: cliVersion, at, quick, machine, readings, unmeasured };
}

function reasonOf(error: unknown): string {
  const isOfTheWorld =
    error instanceof CommandError || error instanceof HoldfastProblem || error instanceof HoldfastUnreachable;
  if (isOfTheWorld) return error.message;
  throw error;
}
