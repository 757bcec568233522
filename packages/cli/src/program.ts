import { Command } from 'commander';

import { commands } from './commands.ts';
import { addGlobalOptions } from './global-options.ts';
import { cliVersion } from './version.ts';

/**
 * The `holdfast` program for one command line. Only the command that `argv` names is loaded; the others are there by
 * name and summary, for help and for suggestions, so that `holdfast get` does not pay for the services.
 */
export async function buildProgram(argv: readonly string[]): Promise<Command> {
  const program = addGlobalOptions(new Command('holdfast'))
    .description('Local-first storage for AI agents: run it, look into it, look after it.')
    .version(cliVersion, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command');
  const wanted = namedCommand(argv);
  for (const { name, summary, load } of commands) {
    const command = name === wanted ? await load() : new Command(name);
    program.addCommand(command.summary(summary));
  }
  settle(program, program);
  return program;
}

/** The first word that is no option, looking behind `help`. */
function namedCommand(argv: readonly string[]): string | undefined {
  const [first, second] = addGlobalOptions(new Command()).parseOptions([...argv]).operands;
  return first === 'help' ? second : first;
}

/** Failures of commander come to `run` as exceptions, for all commands alike. */
function settle(command: Command, program: Command): void {
  command
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({
      showGlobalOptions: command.parent !== null,
      // Those of a command between, such as all the configuration keys of `node`, mean nothing to its own commands.
      visibleGlobalOptions: () => program.options.filter(({ hidden }) => !hidden),
      sortSubcommands: false,
      helpWidth: 110,
    });
  for (const below of command.commands) settle(below, program);
}
