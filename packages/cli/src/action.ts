import type { Command } from 'commander';

import type { GlobalOptions } from './global-options.ts';
import { makeOutput, type Output } from './output.ts';

/** One call of a command: what was given, and where the answer goes. */
export interface Call<Options> {
  /** The arguments in order; undefined where an optional one was left out. */
  readonly args: readonly (string | undefined)[];
  readonly options: Options & GlobalOptions;
  readonly output: Output;
}

/** Does a command's work. A number it gives is the exit code; none means 0. */
export type Work<Options> = (call: Call<Options>) => Promise<number | void>;

/**
 * Gives a command its work. `Options` must name the command's own options as commander does (`--if-match` →
 * `ifMatch`). Variadic arguments are not supported.
 */
export function withAction<Options>(command: Command, work: Work<Options>): Command {
  return command.action(async () => {
    const options = command.optsWithGlobals<Options & GlobalOptions>();
    const args = command.processedArgs as readonly (string | undefined)[];
    const exitCode = await work({ args, options, output: makeOutput(options.json ?? false) });
    if (typeof exitCode === 'number') process.exitCode = exitCode;
  });
}

/** Adds examples to a command's help, one line each. */
export function withExamples(command: Command, ...examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ holdfast ${example}`);
  return command.addHelpText('after', `\n${examples.length === 1 ? 'Example' : 'Examples'}:\n${lines.join('\n')}`);
}
