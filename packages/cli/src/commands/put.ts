import { Argument, Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { readJson } from '../json-input.ts';
import { ackText, type PutFlags, putOptions, withPutFlags } from '../put-flags.ts';
import { withDaemon } from '../services.ts';

/** `holdfast put`. */
export function putCommand(): Command {
  const command = new Command('put')
    .description('Write a record: the whole document, in place of the one there may be.')
    .argument('<collection>', 'collection; a new one begins with its first record')
    .argument('<id>', "the record's id")
    .addArgument(new Argument('[json]', 'the document as JSON, @file, or - for stdin'));
  withPutFlags(command, 'record');
  withAction<PutFlags>(command, async ({ args: [collection = '', id = '', json], options, output }) => {
    const value = await readJson(json, 'the document');
    const answer = await withDaemon(options, (holdfast) =>
      holdfast.collection<unknown>(collection).put(id, value, putOptions(options)),
    );
    output.answer(answer, () => `${answer.id} written, version ${answer.version}, ${ackText(answer.ack)}`);
  });
  return withExamples(
    command,
    `put candidates c-1042 '{"name":"Ada","status":"active"}' --agent recruiter`,
    'put candidates c-1042 @ada.json --agent recruiter --ack relay',
  );
}
