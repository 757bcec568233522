import type { FaultCase } from './fault-case.ts';
import type { Outcome } from './outcome.ts';

const SHOWN_VIOLATIONS = 20;

/** One case as a line of JSON, for the scorecard. */
export function jsonLine(run: {
  readonly faultCase: FaultCase;
  readonly cases: number;
  readonly seed: number;
  readonly outcome: Outcome;
}): string {
  const { faultCase, cases, seed, outcome } = run;
  const told = outcome.kind === 'failed' ? { ...outcome, error: String(outcome.error) } : outcome;
  return `${JSON.stringify({ case: faultCase.name, cases, seed, at: new Date().toISOString(), ...told })}\n`;
}

/** What became of a case, in a few lines. */
export function describeOutcome({ name }: FaultCase, outcome: Outcome): string {
  if (outcome.kind === 'skipped') return `SKIPPED ${name}: ${outcome.reasons.join('; ')}`;
  if (outcome.kind === 'failed') return `FAILED ${name}: ${stackOf(outcome.error)}`;
  const { fired, figures, violations, seconds } = outcome;
  const head = `${violations.length === 0 ? 'ok' : 'BROKEN'} ${name} in ${seconds.toFixed(1)} s: ${figuresText(fired)}`;
  const shown = violations.slice(0, SHOWN_VIOLATIONS).map((violation) => `    ${violation}`);
  return [`${head}; ${figuresText(figures)}`, ...shown].join('\n');
}

/** All of it, a row each. */
export function table(outcomes: ReadonlyMap<FaultCase, Outcome>): string {
  const rows = [...outcomes].map(([{ name }, outcome]) => `| ${name} | ${verdict(outcome)} |`);
  return ['', '| case | result |', '|---|---|', ...rows].join('\n');
}

function verdict(outcome: Outcome): string {
  if (outcome.kind === 'skipped') return `SKIPPED: ${outcome.reasons.join('; ')}`;
  if (outcome.kind === 'failed') return `FAILED: ${String(outcome.error).split('\n', 1)[0] ?? ''}`;
  const { fired, figures, violations, seconds } = outcome;
  return `${figuresText({ ...fired, ...figures, violations: violations.length })}, ${seconds.toFixed(0)} s`;
}

function figuresText(figures: Readonly<Record<string, number>>): string {
  return Object.entries(figures)
    .map(([what, figure]) => `${figure.toLocaleString('en')} ${what}`)
    .join(', ');
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
