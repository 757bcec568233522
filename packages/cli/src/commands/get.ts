import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { withDaemon } from '../services.ts';

/** `holdfast get`. */
export function getCommand(): Command {
  const command = new Command('get')
    .description('Read a record: prints its document. With --json also its version.')
    .argument('<collection>', 'collection')
    .argument('<id>', "the record's id");
  withAction<object>(command, async ({ args: [collection = '', id = ''], options, output }) => {
    const found = await withDaemon(options, (holdfast) => holdfast.collection(collection).get(id));
    if (found === undefined) {
      const { HoldfastError } = await import('@holdfast/protocol');
      throw new HoldfastError('record-not-found', `${collection}/${id}`);
    }
    output.answer({ collection, id, version: found.version, doc: found.doc }, () => JSON.stringify(found.doc, null, 2));
  });
  return withExamples(command, 'get candidates c-1042 --agent recruiter');
}
