// The whole gate: `npm run check`. Exit code 0 only if every gate that ran passed.

import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs, styleText } from 'node:util';

import { gates as checked } from './gates/all.ts';
import { canaries } from './gates/canaries.ts';
import { type Gate, type Outcome, runGate } from './gates/gate.ts';

const SHOWN_PROBLEMS = 50;

const gates: readonly Gate[] = [
  ...checked.filter(({ name }) => name !== 'tests'),
  canaries,
  ...checked.filter(({ name }) => name === 'tests'),
];

process.exitCode = await main();

/** Gives the exit code: 0 all passed, 1 a gate failed, 2 wrong usage. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      except: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return usage(0);
  const [only, except] = [namesOf(values.only), namesOf(values.except)];
  const unknown = [...(only ?? []), ...(except ?? [])].find((name) => !gates.some((gate) => gate.name === name));
  if (unknown !== undefined) {
    console.error(`no gate "${unknown}"\n`);
    return usage(2);
  }
  const chosen = gates.filter(({ name }) => (only?.includes(name) ?? true) && !except?.includes(name));
  const outcomes = await runAll(chosen);
  const failed = outcomes.filter(({ problems }) => problems.length > 0).length;
  const counts = { passed: outcomes.length - failed, failed, skipped: gates.length - outcomes.length };
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ ...counts, outcomes }));
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return failed === 0 && outcomes.length > 0 ? 0 : 1;
}

function usage(code: number): number {
  const lines = gates.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`);
  console.log(['npm run check -- [--only NAMES] [--except NAMES] [--json FILE]', '', ...lines].join('\n'));
  return code;
}

function namesOf(list: string | undefined): readonly string[] | undefined {
  return list?.split(',').map((name) => name.trim());
}

/** Light gates all at once, then the heavy ones one by one, each printed as it ends. */
async function runAll(chosen: readonly Gate[]): Promise<readonly Outcome[]> {
  const root = dirname(import.meta.dirname);
  const run = async (gate: Gate): Promise<Outcome> => {
    const outcome = await runGate(gate, root);
    print(outcome);
    return outcome;
  };
  const outcomes = await Promise.all(chosen.filter(({ load }) => load === 'light').map(run));
  for (const gate of chosen.filter(({ load }) => load === 'heavy')) outcomes.push(await run(gate));
  return outcomes;
}

function print({ gate, examined, problems, elapsedMs }: Outcome): void {
  const verdict = problems.length === 0 ? styleText('green', 'ok') : styleText('red', `${problems.length} problems`);
  console.log(
    `${gate.padEnd(12)}${String(examined).padStart(6)} examined ${elapsedMs.toFixed(0).padStart(7)} ms  ${verdict}`,
  );
  for (const problem of problems.slice(0, SHOWN_PROBLEMS)) console.log(`  ${problem}`);
  if (problems.length > SHOWN_PROBLEMS) console.log(`  … and ${problems.length - SHOWN_PROBLEMS} more`);
}
