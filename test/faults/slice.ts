import { testSeed } from '@holdfast/testkit';
import { expect, type TestContext } from 'vitest';

import { type FaultCase, WHOLE } from './fault-case.ts';
import { runCase } from './outcome.ts';

/** The part of a case that `npm test` runs. What this machine cannot do is skipped, and said. */
export async function expectSliceHolds(faultCase: FaultCase, context: TestContext): Promise<void> {
  const { name, slice } = faultCase;
  const outcome = await runCase(faultCase, {
    cases: slice,
    share: 1,
    part: WHOLE,
    seed: testSeed(),
    progress: () => undefined,
  });
  if (outcome.kind === 'skipped') {
    process.stderr.write(`SKIPPED ${name}: ${outcome.reasons.join('; ')}\n`);
    context.skip(outcome.reasons.join('; '));
  }
  if (outcome.kind === 'failed') throw outcome.error;
  expect(outcome).toMatchObject({ kind: 'done', violations: [] });
}

/** For hangs, not for speed. */
export const SLICE_LIMIT_MS = 120_000;
