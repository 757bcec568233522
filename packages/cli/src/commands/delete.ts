import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { withDaemon } from '../services.ts';

interface DeleteFlags {
  readonly ifMatch?: string;
  readonly fence?: string;
}

/** `holdfast delete`. */
export function deleteCommand(): Command {
  const command = new Command('delete')
    .description('Delete a record, here and, as soon as it is reached, on the relay.')
    .argument('<collection>', 'collection')
    .argument('<id>', "the record's id")
    .option('--if-match <version>', 'delete only if the record has this version')
    .option('--fence <fence>', 'delete only if no later holder of the lock wrote; as `lock acquire` gave it');
  withAction<DeleteFlags>(command, async ({ args: [collection = '', id = ''], options, output }) => {
    const answer = await withDaemon(options, (holdfast) =>
      holdfast.collection(collection).delete(id, { ifMatch: options.ifMatch, ifFence: options.fence }),
    );
    if (answer === undefined) {
      const { HoldfastError } = await import('@holdfast/protocol');
      throw new HoldfastError('record-not-found', `${collection}/${id}`);
    }
    output.answer(answer, () => `${answer.id} deleted`);
  });
  return withExamples(command, 'delete candidates c-1042 --agent recruiter');
}
