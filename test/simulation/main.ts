// The long run: `npm run test:sim`. Exit code 0 only if no promise was broken.

import { parseArgs } from 'node:util';

import { runSeeds } from './run-seeds.ts';
import { describeViolations, summary } from './summary.ts';

const USAGE = `npm run test:sim -- [--seeds N] [--from N] [--seed N [--trace]]

  --seeds N   how many worlds (default 200)
  --from N    the first seed (default 1)
  --seed N    this one world
  --trace     print everything that happens
`;

/** Seeds between two lines of progress. */
const PROGRESS_SEEDS = 100;

process.exitCode = await main();

/** Gives the exit code: 0 nothing was broken, 1 something was, 2 wrong usage. */
async function main(): Promise<number> {
  const options = read();
  if (options === undefined) {
    say(USAGE);
    return 2;
  }
  const { print } = options;
  const total = await runSeeds(options, {
    print,
    onSeed: (result, done) => {
      if (result.violations.length > 0) say(describeViolations(result));
      if (done % PROGRESS_SEEDS === 0) say(`${done} worlds`);
      if (print !== undefined) say(`trace ${result.trace}`);
    },
  });
  say(summary(total));
  return total.failedSeeds.length === 0 ? 0 : 1;
}

interface Options {
  readonly from: number;
  readonly seeds: number;
  readonly print: ((line: string) => void) | undefined;
}

function read(): Options | undefined {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: 'string', default: '200' },
        from: { type: 'string', default: '1' },
        seed: { type: 'string' },
        trace: { type: 'boolean', default: false },
      },
    });
    const from = Number(values.seed ?? values.from);
    const seeds = values.seed === undefined ? Number(values.seeds) : 1;
    const isSound = [from, seeds].every((number) => Number.isSafeInteger(number) && number > 0);
    return isSound ? { from, seeds, print: values.trace ? say : undefined } : undefined;
  } catch {
    return undefined;
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
