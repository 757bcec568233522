import type { ReceivedLetter, SentLetter } from '@holdfast/protocol';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { readJson } from '../json-input.ts';
import { withDaemon } from '../services.ts';
import { renderTable } from '../table.ts';
import { NOTHING } from '../wording.ts';

/** `holdfast mail`: letters between agents. */
export function mailCommand(): Command {
  const command = new Command('mail').description('Letters between agents: send one, see the inbox, mark as read.');
  command.addCommand(sendCommand()).addCommand(inboxCommand()).addCommand(readCommand());
  return withExamples(
    command,
    `mail send screening '{"requisition":"r-7"}' --subject 'New requisition' --agent commander`,
    'mail inbox --unread --agent screening',
  );
}

function sendCommand(): Command {
  const command = new Command('send')
    .description('Send a letter to another agent, of this node or of another.')
    .argument('<to>', 'an agent of this node, or agent@node')
    .argument('[body]', 'the letter as JSON, @file, or - for stdin')
    .option('--subject <text>', 'what it is about')
    .option('--reply-to <id>', 'the letter it answers');
  withAction<{ readonly subject?: string; readonly replyTo?: string }>(
    command,
    async ({ args: [to = '', body], options, output }) => {
      const { subject, replyTo } = options;
      const letter = { to, subject, replyTo, body: await readJson(body, 'the letter') };
      const sent = await withDaemon(options, (holdfast) => holdfast.mail.send(letter));
      output.answer(sent, () => sentText(sent));
    },
  );
  return withExamples(command, `mail send screening '"Please hurry"' --agent commander`);
}

function sentText({ id, to, state }: SentLetter): string {
  return state === 'delivered' ? `letter ${id} is in the inbox of ${to}` : `letter ${id} is on its way to ${to}`;
}

function inboxCommand(): Command {
  const command = new Command('inbox')
    .description('Letters to the agent, oldest first.')
    .option('--unread', 'only those');
  withAction<{ readonly unread?: true }>(command, async ({ options, output }) => {
    const letters = await withDaemon(options, async (holdfast) => {
      const found: ReceivedLetter[] = [];
      const status = options.unread === true ? 'unread' : undefined;
      for await (const letter of holdfast.mail.inbox({ status })) found.push(letter);
      return found;
    });
    output.answer({ letters }, () => inboxText(letters));
  });
  return withExamples(command, 'mail inbox --unread --agent screening');
}

function readCommand(): Command {
  const command = new Command('read')
    .description('Show a letter and mark it as read.')
    .argument('<id>', "the letter's id");
  withAction<object>(command, async ({ args: [id = ''], options, output }) => {
    const letter = await withDaemon(options, (holdfast) => holdfast.mail.read(id));
    output.answer(letter, () =>
      [`from ${letter.from}, ${letter.sent_at}`, letter.subject ?? '', JSON.stringify(letter.body, null, 2)]
        .filter((line) => line !== '')
        .join('\n'),
    );
  });
  return withExamples(command, 'mail read 0192f0c1-a2b3-7c44-9d55-1e6677889900 --agent screening');
}

function inboxText(letters: readonly ReceivedLetter[]): string {
  if (letters.length === 0) return 'no letters';
  const rows = letters.map(({ id, from, subject, sent_at: sentAt, read_at: readAt }) => [
    id,
    from,
    subject ?? NOTHING,
    sentAt,
    readAt ?? 'unread',
  ]);
  return renderTable(
    ['letter', 'from', 'subject', 'sent', 'read'].map((title) => ({ title })),
    rows,
  );
}
