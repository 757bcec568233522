import type { Taken } from '@holdfast/client';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { parseWholeNumber } from '../option-values.ts';
import { withDaemon } from '../services.ts';

interface LimitFlags {
  readonly limit: string;
  readonly window: string;
  readonly cost?: string;
}

/** `holdfast limit`: takes from a rate limit. */
export function limitCommand(): Command {
  const command = new Command('limit')
    .description('Take from a rate limit of the agent, if as much is left. Ends with 1 if it is not.')
    .argument('<key>', 'what is limited, such as a name of a service')
    .requiredOption('--limit <count>', 'how much may be taken in any window')
    .requiredOption('--window <seconds>', 'how long the window is')
    .option('--cost <count>', 'how much this takes (default: 1)');
  withAction<LimitFlags>(command, async ({ args: [key = ''], options, output }) => {
    const wish = {
      limit: parseWholeNumber(options.limit, '--limit'),
      windowSeconds: parseWholeNumber(options.window, '--window'),
      cost: options.cost === undefined ? undefined : parseWholeNumber(options.cost, '--cost'),
    };
    const taken = await withDaemon(options, (holdfast) => holdfast.limits.take(key, wish));
    output.answer(taken, () => takenText(taken));
    return taken.allowed ? 0 : 1;
  });
  return withExamples(command, 'limit model-api --limit 60 --window 60 --agent recruiter');
}

function takenText({ allowed, remaining, retryAfterSeconds }: Taken): string {
  return allowed ? `taken; ${remaining} left` : `not taken: ${remaining} left; again in ${retryAfterSeconds} s`;
}
