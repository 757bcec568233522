import type { KvEntry } from '@holdfast/client';
import type { Json } from '@holdfast/protocol';
import { Argument, Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { readJson } from '../json-input.ts';
import { ackText, type PutFlags, putOptions, withPutFlags } from '../put-flags.ts';
import { withDaemon } from '../services.ts';
import { renderTable } from '../table.ts';
import { upTo } from '../up-to.ts';
import { changeText, printChanges, type WatchFlags, watchOptions, withWatchFlags } from '../watch-flags.ts';
import { NOTHING } from '../wording.ts';

/** `holdfast context`: what the agents of all nodes share. */
export function contextCommand(): Command {
  const command = new Command('context').description(
    'Values under keys that the agents of all nodes share. Works without the relay; the others hear of it when it is back.',
  );
  for (const make of [putCommand, getCommand, listCommand, deleteCommand, watchCommand]) command.addCommand(make());
  return withExamples(
    command,
    `context put candidate:c-1042:analysis '{"score":0.87}' --ttl 7200 --agent screening`,
    'context watch candidate: --agent analytics',
  );
}

function putCommand(): Command {
  const command = new Command('put')
    .description('Share a value under a key, in place of the one there may be.')
    .argument('<key>', 'key')
    .addArgument(new Argument('[json]', 'the value as JSON, @file, or - for stdin'));
  withPutFlags(command, 'key');
  withAction<PutFlags>(command, async ({ args: [key = '', json], options, output }) => {
    const value = await readJson(json, 'the value');
    const answer = await withDaemon(options, ({ context }) => context.put(key, value, putOptions(options)));
    output.answer(answer, () => `${key} shared, version ${answer.version}, ${ackText(answer.ack)}`);
  });
  return withExamples(command, `context put plan '"hire two"' --agent commander`);
}

function getCommand(): Command {
  const command = new Command('get')
    .description('The value under a key, as this node has it. With --json also its version.')
    .argument('<key>', 'key');
  withAction<object>(command, async ({ args: [key = ''], options, output }) => {
    const found = await withDaemon(options, ({ context }) => context.get(key));
    if (found === undefined) throw await notFound(key);
    output.answer({ key, ...found }, () => JSON.stringify(found.value, null, 2));
  });
  return withExamples(command, 'context get plan --agent screening');
}

function listCommand(): Command {
  const command = new Command('list')
    .description('Keys in order with their values.')
    .argument('[prefix]', 'only keys that begin so');
  withAction<object>(command, async ({ args: [prefix], options, output }) => {
    const entries = await withDaemon(options, async ({ context }) => {
      const found: KvEntry<Json>[] = [];
      for await (const entry of context.list({ prefix })) found.push(entry);
      return found;
    });
    output.answer({ entries }, () => entriesText(entries));
  });
  return withExamples(command, 'context list candidate: --agent analytics');
}

function deleteCommand(): Command {
  const command = new Command('delete')
    .description('Remove a key for all nodes.')
    .argument('<key>', 'key')
    .option('--if-match <version>', 'only if the key has this version');
  withAction<{ readonly ifMatch?: string }>(command, async ({ args: [key = ''], options, output }) => {
    const { ifMatch } = options;
    const answer = await withDaemon(options, ({ context }) => context.delete(key, { ifMatch }));
    if (answer === undefined) throw await notFound(key);
    output.answer(answer, () => `${key} removed, ${ackText(answer.ack)}`);
  });
  return withExamples(command, 'context delete plan --agent commander');
}

function watchCommand(): Command {
  const command = new Command('watch')
    .description('What is under keys, then what changes, on whichever node, until it is interrupted.')
    .argument('[prefix]', 'only keys that begin so');
  withWatchFlags(command);
  withAction<WatchFlags>(command, async ({ args: [prefix], options, output }) => {
    const { most, ...from } = await watchOptions(options);
    await withDaemon(options, ({ context }) => {
      return printChanges(upTo(context.watch(prefix, from), most), output, ({ key, value, ...change }) => {
        return changeText(key, value, change);
      });
    });
  });
  return withExamples(command, 'context watch candidate: --changes --agent analytics');
}

async function notFound(key: string): Promise<Error> {
  const { HoldfastError } = await import('@holdfast/protocol');
  return new HoldfastError('record-not-found', `nothing is shared under "${key}"`);
}

function entriesText(entries: readonly KvEntry<Json>[]): string {
  if (entries.length === 0) return 'nothing is shared under such keys';
  return renderTable(
    ['key', 'value', 'changed', 'expires'].map((title) => ({ title })),
    entries.map(({ key, value, updated_at: changed, expires_at: expires }) => [
      key,
      JSON.stringify(value),
      changed,
      expires ?? NOTHING,
    ]),
  );
}
