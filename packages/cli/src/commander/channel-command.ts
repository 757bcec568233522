import type { DurableListenOptions } from '@holdfast/client';
import type { ChannelMessage, ChannelPresence } from '@holdfast/protocol';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { CommandError } from '../command-error.ts';
import { readJson } from '../json-input.ts';
import { parseWholeNumber } from '../option-values.ts';
import { withDaemon } from '../services.ts';
import { printLines, printTexts } from '../streamed-output.ts';
import { plainTable } from '../table.ts';
import { upTo } from '../up-to.ts';
import { NOTHING } from '../wording.ts';

interface PublishFlags {
  readonly durable?: true;
  readonly ttl?: string;
}

interface ListenFlags {
  readonly durable?: true;
  readonly from?: string;
  readonly count?: string;
}

/** `holdfast channel`: what agents tell each other now. */
export function channelCommand(): Command {
  const command = new Command('channel').description(
    'Channels: publish to whoever listens now, or durably also to those who listen later; listen; see who does.',
  );
  command.addCommand(publishCommand()).addCommand(listenCommand()).addCommand(whoCommand());
  return withExamples(
    command,
    `channel publish agent:updates:ada '{"step":3}' --agent ada`,
    `channel listen 'agent:updates:*' --agent bob`,
  );
}

function publishCommand(): Command {
  const command = new Command('publish')
    .description('Publish a message, once, to whoever listens now; durably, also to durable listeners that come later.')
    .argument('<channel>', 'its name, such as agent:updates:ada')
    .argument('[value]', 'the message as JSON, @file, or - for stdin')
    .option('--durable', 'keep it, on all nodes')
    .option('--ttl <seconds>', 'with --durable: for how long (default: a day)');
  withAction<PublishFlags>(command, async ({ args: [channel = '', value], options, output }) => {
    const { durable } = options;
    const ttl = options.ttl === undefined ? undefined : parseWholeNumber(options.ttl, '--ttl');
    const message = await readJson(value, 'the message');
    const sent = await withDaemon(options, ({ channels }) => channels.publish(channel, message, { durable, ttl }));
    const kept = durable === true ? ', kept on this machine' : '';
    const reach = sent.reach === 'network' ? ', and on its way to the other nodes' : '';
    output.answer(sent, () => `message ${sent.id}: ${sent.listeners} listeners on this node${kept}${reach}`);
  });
  return withExamples(
    command,
    `channel publish agent:updates:ada '{"step":3}' --agent ada`,
    `channel publish orders:new '{"id":17}' --durable --ttl 3600 --agent ada`,
  );
}

function listenCommand(): Command {
  const command = new Command('listen')
    .description('Print what is published from now on, or durable messages, a message a line, until stopped.')
    .argument('<pattern>', 'a channel, or those a pattern covers: * stands for any run of characters')
    .option('--durable', 'the durable messages that are kept, then those that come; each once, none left out')
    .option(
      '--from <place>',
      'with --durable: beginning, now, or the "place" of a message that --json printed (default: beginning)',
    )
    .option('--count <number>', 'stop after so many messages');
  withAction<ListenFlags>(command, async ({ args: [pattern = ''], options, output }) => {
    const count = options.count === undefined ? Infinity : parseWholeNumber(options.count, '--count');
    const durable = durableOptions(options);
    await withDaemon(options, async ({ channels }) => {
      const all = durable === undefined ? channels.listen(pattern) : channels.listen(pattern, durable);
      const messages = upTo(all, count);
      await (output.json ? printLines(messages) : printTexts(messages, messageText));
    });
  });
  return withExamples(
    command,
    `channel listen 'agent:updates:*' --agent bob`,
    'channel listen news --count 1 --json',
    `channel listen 'orders:*' --durable --json --agent bob`,
  );
}

/** What `--durable` and `--from` ask for; undefined: what is published from now on. Throws CommandError (wrong usage). */
function durableOptions({ durable, from }: ListenFlags): DurableListenOptions | undefined {
  if (durable === true) return from === 'beginning' || from === 'now' ? { durable, from } : { durable, after: from };
  if (from === undefined) return undefined;
  throw new CommandError(
    '--from goes with --durable',
    'Messages that are not durable are not kept: there is no earlier place.',
    2,
  );
}

function whoCommand(): Command {
  const command = new Command('who')
    .description('Who listens now: to what the pattern covers, or to a pattern that covers it.')
    .argument('<pattern>', 'a channel, or a pattern');
  withAction<object>(command, async ({ args: [pattern = ''], options, output }) => {
    const answer = await withDaemon(options, (holdfast) => holdfast.channels.present(pattern));
    output.answer(answer, () => presenceText(answer.present));
    if (answer.reach === 'node') output.remark('of this node only: the relay is away, or there is none');
  });
  return withExamples(command, 'channel who agent:updates:ada --agent bob');
}

function messageText({ channel, from, value }: ChannelMessage): string {
  const node = from.node === null ? '' : `@${from.node}`;
  return `${channel}  ${from.agent}${node}  ${JSON.stringify(value)}`;
}

function presenceText(present: readonly ChannelPresence[]): string {
  if (present.length === 0) return 'nobody listens';
  const rows = present.map(({ node, agent, listeners }) => [node ?? NOTHING, agent, String(listeners)]);
  return plainTable(['node', 'agent', 'listeners'], rows);
}
