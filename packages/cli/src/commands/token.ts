import type { TokenRequest } from '@holdfast/client';
import { Command, Option } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { paint } from '../output.ts';
import { withRelay } from '../services.ts';

/** `holdfast token`: tokens of the relay. */
export function tokenCommand(): Command {
  const create = new Command('create')
    .description('Make a token for a person or tool. Needs the admin token of the relay.')
    .addOption(
      new Option('--role <role>', 'what the token may do')
        .choices(['viewer', 'operator', 'admin'])
        .makeOptionMandatory(),
    )
    .requiredOption('--name <name>', 'whose token it is');
  withAction<TokenRequest>(create, async ({ options, output }) => {
    const { role, name } = options;
    const made = await withRelay(options, (relay) => relay.token({ role, name }));
    output.answer(made, () => made.token);
    output.remark(paint('dim', `Token ${made.id} for ${name} (${role}). It is shown this once: keep it now.`));
  });
  withExamples(create, 'token create --role operator --name ada');
  const command = new Command('token').description('Tokens of the relay.').addCommand(create);
  return withExamples(command, 'token create --role operator --name ada');
}
