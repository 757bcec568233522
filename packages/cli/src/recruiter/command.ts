import { Command } from 'commander';

import { withExamples } from '../action.ts';
import { duplicatesCommand, matchCommand, searchCommand } from './candidate-commands.ts';
import { acknowledgeCommand, outcomeCommand, pendingCommand, upcomingCommand } from './talk-commands.ts';

/** `holdfast recruiter`: candidates, whom they fit, interviews, and messages for hiring managers. */
export function recruiterCommand(): Command {
  const command = new Command('recruiter').description(
    'Find and match candidates, follow interviews, and messages for hiring managers (docs/recruiter.md).',
  );
  command
    .addCommand(searchCommand())
    .addCommand(duplicatesCommand())
    .addCommand(matchCommand())
    .addCommand(upcomingCommand())
    .addCommand(outcomeCommand())
    .addCommand(pendingCommand())
    .addCommand(acknowledgeCommand());
  return withExamples(
    command,
    'recruiter search --skill Python --skill SQL --min-years 3 --agent recruiter',
    'recruiter match backend-lisbon --agent recruiter',
  );
}
