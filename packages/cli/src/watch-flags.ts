import type { WatchedRecord } from '@holdfast/client';
import type { Json } from '@holdfast/protocol';
import type { Command } from 'commander';

import { type Output, paint } from './output.ts';
import { printLines } from './streamed-output.ts';

/** The options of commands that follow what is shared. */
export interface WatchFlags {
  readonly changes?: true;
  readonly count?: string;
}

/** Adds them. */
export function withWatchFlags(command: Command): void {
  command.option('--changes', 'only what changes from now on').option('--count <number>', 'end after so many');
}

/** What they ask for. Throws CommandError (wrong usage) for what is no number. */
export async function watchOptions({
  changes,
  count,
}: WatchFlags): Promise<{ readonly from: 'beginning' | 'now'; readonly most: number }> {
  const { parseWholeNumber } = await import('./option-values.ts');
  const most = count === undefined ? Infinity : parseWholeNumber(count, '--count');
  return { from: changes === true ? 'now' : 'beginning', most };
}

/** Prints changes as they come: as JSON, a line each, or as texts for people. */
export async function printChanges<Change>(
  changes: AsyncIterable<Change>,
  output: Output,
  textOf: (change: Change) => string,
): Promise<void> {
  if (output.json) return printLines(changes);
  for await (const change of changes) output.answer(change, () => textOf(change));
}

/** A change for people: when, under what name, and what is there now. */
export function changeText(
  name: string,
  value: Json | undefined,
  { updated_at: at, deleted }: Pick<WatchedRecord<Json>, 'updated_at' | 'deleted'>,
): string {
  return `${paint('dim', at)}  ${name}  ${deleted ? paint('yellow', 'removed') : JSON.stringify(value)}`;
}
