import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { temporaryDirectory } from '@holdfast/testkit';

import { type FaultCase, type FaultPlan, type Findings, Tally } from '../fault-case.ts';
import { type Judgement, makeTemplates } from './template.ts';

const PROCESS = fileURLToPath(new URL('judge-process.ts', import.meta.url));
const MUTANTS_OF_A_PROCESS = 500;
const LIMIT_MS = 300_000;

/** Files spoiled at random: flipped bits, zeroed pages, garbage, cut short, another's log. */
export const mutants: FaultCase = {
  name: 'mutants',
  promise: 'damage to an agent’s file is detected or does no harm: no crash, and nothing wrong is taken for sound',
  full: 10_000,
  slice: 150,
  needs: [],
  run: judgeAll,
};

async function judgeAll({ cases, seed, progress }: FaultPlan): Promise<Findings> {
  await using place = await temporaryDirectory();
  const templates = await makeTemplates(place.path);
  writeFileSync(place.file('templates.json'), JSON.stringify(templates));
  const tally = new Tally();
  for (let from = 0; from < cases;) {
    const to = Math.min(from + MUTANTS_OF_A_PROCESS, cases);
    const { judgements, signal } = await judgeSome(place.path, seed, { from, to });
    for (const judgement of judgements) note(tally, judgement);
    from += judgements.length;
    if (from < to) {
      tally.violate(`mutant ${from}`, [`it crashed the process or kept it for ever: ${signal}`]);
      tally.fire('a crash');
      from += 1;
    }
    progress(`${from} mutants, ${tally.violations} violations`);
  }
  return tally.findings();
}

function note(tally: Tally, { number, kind, verdict, how }: Judgement): void {
  tally.fire(kind);
  tally.count(verdict);
  if (verdict === 'detected') tally.count(how);
  if (verdict === 'wrong') tally.violate(`mutant ${number}, ${kind}`, [how]);
}

async function judgeSome(
  place: string,
  seed: number,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<{ readonly judgements: readonly Judgement[]; readonly signal: string }> {
  const args = [PROCESS, place, String(seed), String(from), String(to)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: LIMIT_MS });
  const ended = new Promise<string>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const [output, signal] = await Promise.all([text(child.stdout), ended]);
  const lines = output.split('\n').slice(0, -1);
  return { judgements: lines.map((line) => JSON.parse(line) as Judgement), signal };
}
