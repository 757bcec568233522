import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { joinTokenOf } from '../join-token.ts';
import { withDaemon } from '../services.ts';

interface JoinFlags {
  readonly relay: string;
  readonly name: string;
  readonly joinTokenFile?: string;
}

/** `holdfast join`. */
export function joinCommand(): Command {
  const command = new Command('join')
    .description(
      'Enrol this node at a relay, through the running daemon. A join token on the command line can be seen by other ' +
        'users of this machine while the command runs; it is single use, but a file or stdin is better.',
    )
    .argument('[join-token]', 'the join token, or - for stdin')
    .requiredOption('--relay <url>', "the relay's address")
    .requiredOption('--name <node>', "this node's name, as it was invited")
    .option('--join-token-file <file>', 'file that holds the join token');
  withAction<JoinFlags>(command, async ({ args: [argument], options, output }) => {
    const { relay, name } = options;
    const token = await joinTokenOf(argument, options);
    const joined = await withDaemon(options, (holdfast) => holdfast.node.join({ relay, token, name }));
    output.answer(joined, () => `This node is ${joined.node} now, enrolled at ${joined.relay}.`);
  });
  return withExamples(
    command,
    'join --relay http://htpc.lan:8001 --name workstation --join-token-file join.token',
    'join --relay http://htpc.lan:8001 --name workstation < join.token',
  );
}
