import type { ChannelMessage, ChannelPresence } from '@holdfast/protocol';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { readJson } from '../json-input.ts';
import { parseWholeNumber } from '../option-values.ts';
import { withDaemon } from '../services.ts';
import { printLines, printTexts } from '../streamed-output.ts';
import { plainTable } from '../table.ts';
import { NOTHING } from '../wording.ts';

/** `holdfast channel`: what agents tell each other now. */
export function channelCommand(): Command {
  const command = new Command('channel').description('Channels: publish to whoever listens now, listen, see who does.');
  command.addCommand(publishCommand()).addCommand(listenCommand()).addCommand(whoCommand());
  return withExamples(
    command,
    `channel publish agent:updates:ada '{"step":3}' --agent ada`,
    `channel listen 'agent:updates:*' --agent bob`,
  );
}

function publishCommand(): Command {
  const command = new Command('publish')
    .description('Publish a message, once, to whoever listens now; nobody hears it later.')
    .argument('<channel>', 'its name, such as agent:updates:ada')
    .argument('[value]', 'the message as JSON, @file, or - for stdin');
  withAction<object>(command, async ({ args: [channel = '', value], options, output }) => {
    const message = await readJson(value, 'the message');
    const sent = await withDaemon(options, (holdfast) => holdfast.channels.publish(channel, message));
    const reach = sent.reach === 'network' ? ', and on its way to the other nodes' : '';
    output.answer(sent, () => `message ${sent.id}: ${sent.listeners} listeners on this node${reach}`);
  });
  return withExamples(command, `channel publish agent:updates:ada '{"step":3}' --agent ada`);
}

function listenCommand(): Command {
  const command = new Command('listen')
    .description('Print what is published from now on, a message a line, until stopped.')
    .argument('<pattern>', 'a channel, or those a pattern covers: * stands for any run of characters')
    .option('--count <number>', 'stop after so many messages');
  withAction<{ readonly count?: string }>(command, async ({ args: [pattern = ''], options, output }) => {
    const count = options.count === undefined ? Infinity : parseWholeNumber(options.count, '--count');
    await withDaemon(options, async (holdfast) => {
      const messages = first(holdfast.channels.listen(pattern), count);
      await (output.json ? printLines(messages) : printTexts(messages, messageText));
    });
  });
  return withExamples(command, `channel listen 'agent:updates:*' --agent bob`, 'channel listen news --count 1 --json');
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

async function* first<T>(values: AsyncIterable<T>, count: number): AsyncGenerator<T, void> {
  let given = 0;
  for await (const value of values) {
    yield value;
    given += 1;
    if (given >= count) return;
  }
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
