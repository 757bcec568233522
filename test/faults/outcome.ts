import { lacking } from '@holdfast/testkit';

import type { FaultCase, FaultPlan, Findings } from './fault-case.ts';

/** What became of a case. */
export type Outcome =
  | { readonly kind: 'skipped'; readonly reasons: readonly string[] }
  | ({ readonly kind: 'done'; readonly seconds: number } & Findings)
  | { readonly kind: 'failed'; readonly seconds: number; readonly error: unknown };

/** Runs a case if this machine has what it needs. A fault that never happened is a violation: it would prove nothing. */
export async function runCase(faultCase: FaultCase, plan: FaultPlan): Promise<Outcome> {
  const reasons = lacking(faultCase.needs);
  if (reasons.length > 0) return { kind: 'skipped', reasons };
  const startedAtMs = performance.now();
  const seconds = (): number => (performance.now() - startedAtMs) / 1000;
  try {
    const findings = await faultCase.run(plan);
    const idle = Object.values(findings.fired).every((times) => times === 0);
    const violations = idle ? [...findings.violations, 'no fault happened'] : findings.violations;
    return { kind: 'done', seconds: seconds(), ...findings, violations };
  } catch (error) {
    return { kind: 'failed', seconds: seconds(), error };
  }
}

/** Whether all of it is as promised. */
export function isGood(outcome: Outcome): boolean {
  return outcome.kind === 'done' && outcome.violations.length === 0;
}
