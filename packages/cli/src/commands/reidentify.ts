import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { joinTokenOf } from '../join-token.ts';
import { withDaemon } from '../services.ts';

interface ReidentifyFlags {
  readonly relay?: string;
  readonly name: string;
  readonly joinTokenFile?: string;
}

/** `holdfast node reidentify`. */
export function reidentifyCommand(): Command {
  const command = new Command('reidentify')
    .description(
      'Make this copy of a node a node of its own, through the running daemon: it gets a new name, keeps its agents and ' +
        'tokens, and sends all its records to the relay as its own.',
    )
    .argument('[join-token]', 'the join token for the new name, or - for stdin')
    .requiredOption('--name <node>', 'the new name, as it was invited')
    .option('--relay <url>', "the relay's address; without it the one the node is at")
    .option('--join-token-file <file>', 'file that holds the join token');
  withAction<ReidentifyFlags>(command, async ({ args: [argument], options, output }) => {
    const { relay, name } = options;
    const token = await joinTokenOf(argument, options);
    const request = { token, name, ...(relay !== undefined && { relay }) };
    const joined = await withDaemon(options, (holdfast) => holdfast.node.reidentify(request));
    output.answer(joined, () => `This node is ${joined.node} now, enrolled at ${joined.relay}.`);
  });
  return withExamples(command, 'node reidentify --name workstation-2 --join-token-file join.token');
}
