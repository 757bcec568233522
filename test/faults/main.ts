// The long run: `npm run test:faults`. Exit code 0 only if nothing was broken; under CI, only if nothing was skipped.

import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { testSeed } from '@holdfast/testkit';

import { faultCases } from './cases.ts';
import type { FaultCase, Part } from './fault-case.ts';
import { isGood, type Outcome, runCase } from './outcome.ts';
import { describeOutcome, jsonLine, table } from './report.ts';

process.exitCode = await main();

/** Gives the exit code: 0 all held, 1 something broke or was left out under CI, 2 wrong usage. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      scale: { type: 'string', default: '1' },
      cases: { type: 'string' },
      part: { type: 'string', default: '1/1' },
      seed: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return usage(0);
  const names = values.only?.split(',');
  const unknown = names?.find((name) => !faultCases.some((faultCase) => faultCase.name === name));
  if (unknown !== undefined) {
    say(`no case "${unknown}"`);
    return usage(2);
  }
  const part = partOf(values.part);
  if (part === undefined) {
    say(`"${values.part}" is no part such as 1/4`);
    return usage(2);
  }
  if (values.seed !== undefined) process.env['HOLDFAST_SEED'] = values.seed;
  const chosen = faultCases.filter(({ name }) => names?.includes(name) ?? true);
  const scale = Number(values.scale);
  const casesOf = ({ full }: FaultCase): number => {
    if (values.cases !== undefined) return Number(values.cases);
    return full === 'all' ? Number.POSITIVE_INFINITY : Math.max(1, Math.round(full * scale));
  };
  const outcomes = new Map<FaultCase, Outcome>();
  for (const faultCase of chosen) {
    const cases = casesOf(faultCase);
    say(`${faultCase.name}: ${faultCase.promise}`);
    const progress = (text: string): void => say(`  ${faultCase.name}: ${text}`);
    const outcome = await runCase(faultCase, { cases, share: Math.min(1, scale), part, seed: testSeed(), progress });
    outcomes.set(faultCase, outcome);
    say(describeOutcome(faultCase, outcome));
    const line = jsonLine({ faultCase, cases, seed: testSeed(), outcome });
    if (values.json !== undefined) appendFileSync(values.json, line);
  }
  say(table(outcomes));
  return exitCodeOf([...outcomes.values()]);
}

function partOf(text: string): Part | undefined {
  const [, number = 0, of = 0] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
  return number >= 1 && number <= of ? { number, of } : undefined;
}

function exitCodeOf(outcomes: readonly Outcome[]): number {
  const isComplete = process.env['CI'] !== 'true' || outcomes.every(({ kind }) => kind !== 'skipped');
  const isSound = outcomes.every((outcome) => outcome.kind === 'skipped' || isGood(outcome));
  return isComplete && isSound ? 0 : 1;
}

function usage(code: number): number {
  say('npm run test:faults -- [--only NAMES] [--scale FRACTION | --cases N] [--part 1/4] [--seed N] [--json FILE]\n');
  for (const { name, full, promise } of faultCases) say(`  ${name.padEnd(18)}${String(full).padStart(6)}  ${promise}`);
  return code;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
