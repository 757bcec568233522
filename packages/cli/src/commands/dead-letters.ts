import type { NodeDeadLetter } from '@holdfast/client';
import { type DeadLetter, HoldfastError } from '@holdfast/protocol';
import { Command } from 'commander';

import { type Call, withAction, withExamples } from '../action.ts';
import { CommandError } from '../command-error.ts';
import { type Output, paint } from '../output.ts';
import { withDaemon, withRelay } from '../services.ts';
import { renderTable } from '../table.ts';

interface DeadLetterFlags {
  readonly relay?: true;
}

/** `holdfast dead-letters`: of this node, or with `--relay` of the relay. */
export function deadLettersCommand(): Command {
  const command = new Command('dead-letters').description(
    'Changes the relay would not take. The node names one AGENT/ID; the relay, asked with --relay, a bare ID.',
  );
  command.addCommand(listCommand()).addCommand(showCommand()).addCommand(retryCommand()).addCommand(dropCommand());
  return withExamples(command, 'dead-letters list', 'dead-letters show 12 --relay');
}

function subcommand(name: string, description: string): Command {
  return new Command(name).description(description).option('--relay', "the relay's dead letters, not this node's");
}

function listCommand(): Command {
  const command = subcommand('list', 'List dead letters, newest first.');
  withAction<DeadLetterFlags>(command, async ({ options, output }) => {
    if (options.relay) answerList(output, await withRelay(options, (relay) => relay.deadLetters.list()));
    else answerList(output, (await nodeDeadLetters(options)).map(named));
  });
  return withExamples(command, 'dead-letters list', 'dead-letters list --relay');
}

function showCommand(): Command {
  const command = subcommand('show', 'Show one dead letter; on the relay with the change as it came.').argument('<id>');
  withAction<DeadLetterFlags>(command, async ({ args: [id = ''], options, output }) => {
    const found = options.relay
      ? await withRelay(options, (relay) => relay.deadLetters.get(id))
      : (await nodeDeadLetters(options)).map(named).find((letter) => letter.id === id);
    if (found === undefined) throw new HoldfastError('dead-letter-not-found', id);
    output.answer(found, () => letterText(found));
  });
  return withExamples(command, 'dead-letters show recruiter/3', 'dead-letters show 12 --relay');
}

function retryCommand(): Command {
  const command = subcommand('retry', 'Try once more, after the cause is mended.').argument('<id>');
  withAction<DeadLetterFlags>(command, async (call) => {
    const [id = ''] = call.args;
    if (call.options.relay) return retryOnRelay(call, id);
    const key = keyOf(id);
    await withDaemon(call.options, (holdfast) => holdfast.deadLetters.retry(key.agent, key.id));
    call.output.answer({ id, retried: true }, () => `${id} goes to the relay once more`);
    return 0;
  });
  return withExamples(command, 'dead-letters retry recruiter/3', 'dead-letters retry 12 --relay');
}

async function retryOnRelay({ options, output }: Call<DeadLetterFlags>, id: string): Promise<number> {
  const answer = await withRelay(options, (relay) => relay.deadLetters.retry(id));
  const [refused] = answer.rejects;
  output.answer({ id, ...answer }, () =>
    refused === undefined ? `${id} was taken` : `${id} was refused again: ${refused.code}: ${refused.reason}`,
  );
  return refused === undefined ? 0 : 1;
}

function dropCommand(): Command {
  const command = subcommand('drop', 'Give a dead letter up for good; a record on its node stays as it is.').argument(
    '<id>',
  );
  withAction<DeadLetterFlags>(command, async ({ args: [id = ''], options, output }) => {
    if (options.relay) await withRelay(options, (relay) => relay.deadLetters.drop(id));
    else {
      const key = keyOf(id);
      await withDaemon(options, (holdfast) => holdfast.deadLetters.drop(key.agent, key.id));
    }
    output.answer({ id, dropped: true }, () => `${id} dropped`);
  });
  return withExamples(command, 'dead-letters drop recruiter/3', 'dead-letters drop 12 --relay');
}

/** Newest first, as the relay lists its own. */
async function nodeDeadLetters(options: Call<DeadLetterFlags>['options']): Promise<readonly NodeDeadLetter[]> {
  const letters = await withDaemon(options, (holdfast) => holdfast.deadLetters.list());
  return letters.toSorted(
    (one, other) => other.rejected_at.localeCompare(one.rejected_at) || Number(other.id) - Number(one.id),
  );
}

/** A node's dead letter under the one name the command line knows it by. */
function named(letter: NodeDeadLetter): NodeDeadLetter {
  return { ...letter, id: `${letter.agent}/${letter.id}` };
}

function keyOf(name: string): { readonly agent: string; readonly id: string } {
  const [agent, id, ...rest] = name.split('/');
  if (agent && id && rest.length === 0) return { agent, id };
  throw new CommandError(
    `"${name}" is no dead letter of a node`,
    'Write AGENT/ID as `dead-letters list` shows it, or add --relay.',
    2,
  );
}

function answerList(output: Output, letters: readonly (DeadLetter | NodeDeadLetter)[]): void {
  output.answer({ dead_letters: letters }, () => {
    if (letters.length === 0) return paint('green', 'no dead letters');
    const rows = letters.map((letter) => [
      letter.id,
      ...('node' in letter ? [`${letter.node}/${letter.agent}`] : []),
      [letter.collection, letter.record].map((part) => part ?? '?').join('/'),
      letter.code,
      letter.reason,
    ]);
    const owner = letters.some((letter) => 'node' in letter) ? ['node/agent'] : [];
    return renderTable(
      ['id', ...owner, 'record', 'code', 'reason'].map((title) => ({ title })),
      rows,
    );
  });
}

function letterText(letter: object): string {
  const entries = Object.entries(letter).filter(([, value]) => value !== null && value !== '');
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${paint('dim', name.padEnd(width))}  ${String(value)}`).join('\n');
}
