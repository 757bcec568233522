import type { Interaction, Interview, InterviewOutcome, RecordOf } from '@holdfast/client';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { parseNumber, parseWholeNumber } from '../option-values.ts';
import { withDaemon } from '../services.ts';
import { plainTable } from '../table.ts';
import { cell } from './cell.ts';

/** Lists end there; `--json` too. */
const MOST_LISTED = 1000;

interface UpcomingFlags {
  readonly days?: string;
  readonly interviewer?: string;
}

interface OutcomeFlags {
  readonly feedback?: string;
  readonly rating?: string;
}

interface PendingFlags {
  readonly manager?: string;
}

interface AcknowledgeFlags {
  readonly by?: string;
  readonly response?: string;
}

/** `holdfast recruiter upcoming`. */
export function upcomingCommand(): Command {
  const command = new Command('upcoming')
    .description('List scheduled interviews, the next one first; at most 1,000.')
    .option('--days <days>', 'how far ahead (default: 7)')
    .option('--interviewer <name>', 'only of this interviewer');
  withAction<UpcomingFlags>(command, async ({ options, output }) => {
    const { interviewer } = options;
    const days = options.days === undefined ? undefined : parseWholeNumber(options.days, '--days');
    const interviews = await withDaemon(options, ({ recruiter }) => taken(recruiter.upcoming({ days, interviewer })));
    output.answer({ interviews }, () => upcomingText(interviews));
  });
  return withExamples(command, 'recruiter upcoming --days 14 --interviewer grace --agent recruiter');
}

/** `holdfast recruiter outcome`. */
export function outcomeCommand(): Command {
  const command = new Command('outcome')
    .description('Record how an interview ended: it is done then. The same again changes nothing.')
    .argument('<interview>', "the interview's id")
    .argument('<outcome>', 'pass, fail or undecided')
    .option('--feedback <text>', 'what the interviewer says')
    .option('--rating <number>', '1 to 5');
  withAction<OutcomeFlags>(command, async ({ args: [id = '', outcome], options, output }) => {
    const said = {
      // Which outcomes there are is the daemon's to say.
      outcome: outcome as InterviewOutcome['outcome'],
      feedback: options.feedback,
      rating: options.rating === undefined ? undefined : parseNumber(options.rating, '--rating'),
    };
    const answer = await withDaemon(options, ({ recruiter }) => recruiter.recordOutcome(id, said));
    output.answer(answer, () => (answer.repeated ? `${id} had this outcome already` : `${id} is done: ${outcome}`));
  });
  return withExamples(command, 'recruiter outcome i-17 pass --rating 4 --agent recruiter');
}

/** `holdfast recruiter pending`. */
export function pendingCommand(): Command {
  const command = new Command('pending')
    .description('List interactions nobody has acknowledged, the oldest first; at most 1,000.')
    .option('--manager <name>', 'only what is for this manager');
  withAction<PendingFlags>(command, async ({ options: { manager, ...options }, output }) => {
    const interactions = await withDaemon(options, ({ recruiter }) => taken(recruiter.pending({ manager })));
    output.answer({ interactions }, () => pendingText(interactions));
  });
  return withExamples(command, 'recruiter pending --manager grace --agent recruiter');
}

/** `holdfast recruiter acknowledge`. */
export function acknowledgeCommand(): Command {
  const command = new Command('acknowledge')
    .description('Acknowledge an interaction, once. The same again changes nothing.')
    .argument('<interaction>', "the interaction's id")
    .option('--by <name>', 'who acknowledges')
    .option('--response <text>', 'what is answered');
  withAction<AcknowledgeFlags>(command, async ({ args: [id = ''], options, output }) => {
    const { by, response } = options;
    const answer = await withDaemon(options, ({ recruiter }) => recruiter.acknowledge(id, { by, response }));
    output.answer(answer, () => `${id} ${answer.repeated ? 'was acknowledged already' : 'is acknowledged'}`);
  });
  return withExamples(command, 'recruiter acknowledge m-3 --by grace --response "Invite her" --agent recruiter');
}

async function taken<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) if (list.push(item) === MOST_LISTED) break;
  return list;
}

function upcomingText(interviews: readonly RecordOf<Interview>[]): string {
  const rows = interviews.map(({ id, doc }) => [
    cell(doc.scheduled_at),
    id,
    cell(doc.candidate),
    cell(doc.interviewer),
    cell(doc.kind),
  ]);
  const titles = ['when', 'interview', 'candidate', 'interviewer', 'kind'];
  return rows.length === 0 ? 'no interview is scheduled' : plainTable(titles, rows);
}

function pendingText(interactions: readonly RecordOf<Interaction>[]): string {
  const rows = interactions.map(({ id, created_at: since, doc }) => [
    since,
    id,
    cell(doc.manager),
    cell(doc.kind),
    cell(doc.content),
  ]);
  return rows.length === 0 ? 'nothing waits' : plainTable(['since', 'interaction', 'manager', 'kind', 'content'], rows);
}
