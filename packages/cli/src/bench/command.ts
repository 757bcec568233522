import { writeFileSync } from 'node:fs';

import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { CommandError } from '../command-error.ts';
import type { Figure } from './figures/figure.ts';
import { figures } from './all-figures.ts';
import { peerFigure } from './figures/peers.ts';
import { reportText } from './report.ts';
import { runBench } from './run.ts';

interface BenchFlags {
  readonly quick?: true;
  readonly only?: string;
  readonly peers?: true;
}

/**
 * `holdfast bench`. Ends with 0 when everything was measured, whether the targets are met or not: a figure is for
 * judging, and a busy machine must not fail a build.
 */
export function benchCommand(): Command {
  const command = new Command('bench')
    .description('Measure speed and memory on this machine: real processes over HTTP, in a temporary directory.')
    .argument('[file]', 'with --json: write the figures to this file instead of printing them')
    .option('--quick', 'in under a minute, with more noise')
    .option('--only <names>', 'only these figures, separated by commas')
    .option('--peers', 'instead: the same work on PouchDB and Redis, side by side (installs PouchDB in a cache folder)')
    .addHelpText('after', `\nFigures:\n${[...figures, peerFigure].map(helpLine).join('\n')}`);
  withAction<BenchFlags>(command, async ({ args: [file], options, output }) => {
    if (file !== undefined && !output.json) {
      throw new CommandError('a file is for --json', `Use: holdfast bench --json ${file}`, 2);
    }
    const report = await runBench({
      figures: chosenFigures(options),
      quick: options.quick ?? false,
      onFigure: ({ name }) => void process.stderr.write(`measuring ${name} …\n`),
    });
    if (file === undefined) output.answer(report, () => reportText(report));
    else {
      writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
      process.stdout.write(`${reportText(report)}\n`);
    }
    return report.unmeasured.length > 0 ? 1 : 0;
  });
  return withExamples(command, 'bench --quick', 'bench --json figures.json', 'bench --only write.single,read.get');
}

function helpLine({ name, help }: Figure): string {
  return `  ${name.padEnd(14)}${help}`;
}

function chosenFigures({ only, peers }: BenchFlags): readonly Figure[] {
  if (only === undefined) return peers === true ? [peerFigure] : figures;
  const chosen = only.split(',').map((name) => figureNamed(name.trim()));
  return peers === true ? [...chosen, peerFigure] : chosen;
}

function figureNamed(name: string): Figure {
  const figure = [...figures, peerFigure].find((known) => known.name === name);
  if (figure !== undefined) return figure;
  const known = figures.map((entry) => entry.name).join(', ');
  throw new CommandError(`there is no figure "${name}"`, `The figures are ${known} and ${peerFigure.name}.`, 2);
}
