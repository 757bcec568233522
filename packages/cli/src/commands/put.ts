import type { PutOptions } from '@holdfast/client';
import { Argument, Command, Option } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { readJson } from '../json-input.ts';
import { parseWholeNumber } from '../option-values.ts';
import { withDaemon } from '../services.ts';

interface PutFlags {
  readonly ttl?: string;
  readonly ifMatch?: string;
  readonly new?: true;
  readonly fence?: string;
  readonly ack?: 'local' | 'relay';
  readonly timeout?: string;
}

/** `holdfast put`. */
export function putCommand(): Command {
  const command = new Command('put')
    .description('Write a record: the whole document, in place of the one there may be.')
    .argument('<collection>', 'collection; a new one begins with its first record')
    .argument('<id>', "the record's id")
    .addArgument(new Argument('[json]', 'the document as JSON, @file, or - for stdin'))
    .option('--ttl <seconds>', 'forget the record after this time')
    .option('--if-match <version>', 'write only if the record has this version')
    .option('--new', 'write only if there is no record')
    .option('--fence <fence>', 'write only if no later holder of the lock did; as `lock acquire` gave it')
    .addOption(new Option('--ack <where>', 'what to wait for').choices(['local', 'relay']))
    .option('--timeout <seconds>', 'longest wait for the relay, with --ack relay (default: 2)');
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

function putOptions(flags: PutFlags): PutOptions {
  return {
    ttl: flags.ttl === undefined ? undefined : parseWholeNumber(flags.ttl, '--ttl'),
    ifMatch: flags.ifMatch,
    ifNoneMatch: flags.new ? '*' : undefined,
    ifFence: flags.fence,
    ack: flags.ack,
    timeout: flags.timeout === undefined ? undefined : parseWholeNumber(flags.timeout, '--timeout'),
  };
}

/** How far a write has come, in words. */
function ackText(ack: 'local' | 'relay'): string {
  return ack === 'relay' ? 'safe here and on the relay' : 'safe on this machine';
}
