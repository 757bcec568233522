import type { ClaimedTask, TaskStanding } from '@holdfast/protocol';
import type { Holdfast, NewTask } from '@holdfast/client';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { readInput } from '../input.ts';
import { readJson } from '../json-input.ts';
import { parseWholeNumber } from '../option-values.ts';
import { withDaemon } from '../services.ts';
import { renderTable } from '../table.ts';
import { NOTHING } from '../wording.ts';

/** `holdfast task`: work that is to be done once. */
export function taskCommand(): Command {
  const command = new Command('task').description('Tasks: make, list and cancel them; claim them and tell of them.');
  command
    .addCommand(addCommand())
    .addCommand(listCommand())
    .addCommand(cancelCommand())
    .addCommand(claimCommand())
    .addCommand(heartbeatCommand())
    .addCommand(completeCommand())
    .addCommand(failCommand())
    .addCommand(releaseCommand());
  return withExamples(
    command,
    `task add screen '{"candidate":"c-1042"}' --workers screening --agent commander`,
    'task claim --from commander --agent screening',
  );
}

interface AddFlags {
  readonly priority?: string;
  readonly workers?: string;
  readonly after?: string;
  readonly due?: string;
  readonly maxRetries?: string;
  readonly retrySeconds?: string;
}

function addCommand(): Command {
  const command = new Command('add')
    .description('Make a task.')
    .argument('<type>', 'what kind of work it is')
    .argument('[payload]', 'what the worker needs to know, as JSON, @file, or - for stdin')
    .option('--priority <1-10>', '10 is done first (default: 5)')
    .option(
      '--workers <names>',
      'who may claim it beside the agent itself: agent or agent@node, with commas; * for all',
    )
    .option('--after <ids>', 'tasks that must be completed first, with commas')
    .option('--due <time>', 'not before this time, such as 2026-12-01T09:00:00Z')
    .option('--max-retries <count>', 'how often it is tried again (default: 3)')
    .option('--retry-seconds <seconds>', 'wait before the first retry; doubles with each (default: 10)');
  withAction<AddFlags>(command, async ({ args: [type = '', payload], options, output }) => {
    const task = await newTask(type, payload, options);
    const answer = await withDaemon(options, (holdfast) => holdfast.tasks.add(task));
    output.answer(answer, () => `task ${answer.id} made`);
  });
  return withExamples(
    command,
    `task add screen '{"candidate":"c-1042"}' --priority 8 --workers screening --agent commander`,
  );
}

async function newTask(type: string, payload: string | undefined, flags: AddFlags): Promise<NewTask> {
  return {
    type,
    ...(payload !== undefined && { payload: await readJson(payload, 'the payload') }),
    ...(flags.priority !== undefined && { priority: parseWholeNumber(flags.priority, '--priority') }),
    ...(flags.workers !== undefined && { workers: listOf(flags.workers) }),
    ...(flags.after !== undefined && { dependencies: listOf(flags.after) }),
    ...(flags.due !== undefined && { due_at: flags.due }),
    ...(flags.maxRetries !== undefined && { max_retries: parseWholeNumber(flags.maxRetries, '--max-retries') }),
    ...(flags.retrySeconds !== undefined && { retry_seconds: parseWholeNumber(flags.retrySeconds, '--retry-seconds') }),
  };
}

function listCommand(): Command {
  const command = new Command('list')
    .description("The agent's own tasks, the most urgent first.")
    .option('--status <status>', 'only those that stand so')
    .option('--limit <count>', 'at most so many (default: 100)');
  withAction<{ readonly status?: string; readonly limit?: string }>(command, async ({ options, output }) => {
    const { status, limit = '100' } = options;
    const where = status === undefined ? {} : { where: { status } };
    const query = { ...where, orderBy: [{ priority: 'desc' as const }], limit: parseWholeNumber(limit, '--limit') };
    const page = await withDaemon(options, (holdfast) => holdfast.collection('tasks').query(query));
    const rows = page.records.map(({ id, doc }) => [
      id,
      doc.type,
      doc.status ?? NOTHING,
      String(doc.priority ?? NOTHING),
      doc.worker ?? NOTHING,
      doc.due_at ?? NOTHING,
      doc.error ?? '',
    ]);
    const titles = ['task', 'type', 'status', 'priority', 'worker', 'due', 'error'];
    output.answer(page, () =>
      rows.length === 0
        ? 'no tasks'
        : renderTable(
            titles.map((title) => ({ title })),
            rows,
          ),
    );
  });
  return withExamples(command, 'task list --status pending --agent commander');
}

function cancelCommand(): Command {
  const command = new Command('cancel')
    .description('Take a task back: nobody is given it any more, and who has it is told.')
    .argument('<id>', "the task's id");
  withAction<object>(command, async ({ args: [id = ''], options, output }) => {
    const cancel = (holdfast: Holdfast) => holdfast.collection('tasks').patch(id, { status: 'cancelled' });
    const answer = await withDaemon(options, cancel);
    output.answer(answer, () => `task ${id} cancelled`);
  });
  return withExamples(command, 'task cancel screen-c-1042 --agent commander');
}

interface ClaimFlags {
  readonly from?: string;
  readonly types?: string;
  readonly leaseSeconds?: string;
  readonly wait?: string;
}

function claimCommand(): Command {
  const command = new Command('claim')
    .description('Take the most urgent task there is, alone and for a time. Ends with 1 if there is none.')
    .option('--from <agent>', "whose tasks: an agent, or agent@node (default: the agent's own)")
    .option('--types <types>', 'only tasks of these types, with commas')
    .option('--lease-seconds <seconds>', 'how long it is held without a heartbeat (default: 60)')
    .option('--wait <seconds>', 'how long to wait for a task, at most 25 (default: 0)');
  withAction<ClaimFlags>(command, async ({ options, output }) => {
    const { from, types, leaseSeconds, wait } = options;
    const wish = {
      from,
      types: types === undefined ? undefined : listOf(types),
      leaseSeconds: leaseSeconds === undefined ? undefined : parseWholeNumber(leaseSeconds, '--lease-seconds'),
      waitSeconds: wait === undefined ? undefined : parseWholeNumber(wait, '--wait'),
    };
    const task = await withDaemon(options, (holdfast) => holdfast.tasks.claim(wish));
    output.answer({ task: task ?? null }, () => (task === undefined ? 'no task to be done' : claimedText(task)));
    return task === undefined ? 1 : 0;
  });
  return withExamples(command, 'task claim --from commander --types screen --agent screening');
}

function claimedText({ id, type, payload, lease, due_at: dueAt, from }: ClaimedTask): string {
  const held = `task ${id} (${type}) of ${from}, held until ${dueAt}\nlease ${lease}`;
  return payload === null ? held : `${held}\n${JSON.stringify(payload, null, 2)}`;
}

interface TellFlags {
  readonly lease: string;
  readonly from?: string;
  readonly progress?: string;
  readonly retry?: boolean;
}

type Hold = { readonly id: string; readonly from: string; readonly lease: string };

/** Gives a command that tells of a claimed task its work. */
function tells(
  command: Command,
  tell: (holdfast: Holdfast, hold: Hold, said: { flags: TellFlags; text: string | undefined }) => Promise<TaskStanding>,
): Command {
  command
    .requiredOption('--lease <lease>', 'the lease of the claim')
    .option('--from <agent>', "whose task: an agent, or agent@node (default: the agent's own)");
  return withAction<TellFlags>(command, async ({ args: [id = '', text], options, output }) => {
    const standing = await withDaemon(options, async (holdfast) => {
      const { from = options.agent ?? (await holdfast.status()).agent, lease } = options;
      return tell(holdfast, { id, from, lease }, { flags: options, text });
    });
    const until = standing.due_at === null ? '' : `, until ${standing.due_at}`;
    output.answer(standing, () => `task ${id} is ${standing.status.replace('_', ' ')}${until}`);
  });
}

function heartbeatCommand(): Command {
  const command = new Command('heartbeat')
    .description('Tell that the work goes on: the lease begins anew.')
    .argument('<id>', "the task's id")
    .option('--progress <share>', 'how far it is, from 0 to 1');
  tells(command, (holdfast, hold, { flags: { progress } }) =>
    holdfast.tasks.heartbeat(hold, { progress: progress === undefined ? undefined : Number(progress) }),
  );
  return withExamples(command, 'task heartbeat screen-c-1042 --lease LEASE --from commander --agent screening');
}

function completeCommand(): Command {
  const command = new Command('complete')
    .description('End a task with its result.')
    .argument('<id>', "the task's id")
    .argument('[result]', 'the result as JSON, @file, or - for stdin');
  tells(command, async (holdfast, hold, { text }) =>
    holdfast.tasks.complete(hold, text === undefined ? undefined : await readJson(text, 'the result')),
  );
  return withExamples(command, `task complete screen-c-1042 '{"score":0.87}' --lease LEASE --from commander`);
}

function failCommand(): Command {
  const command = new Command('fail')
    .description('Tell that this try failed.')
    .argument('<id>', "the task's id")
    .argument('[error]', 'what went wrong, @file, or - for stdin')
    .option('--no-retry', 'trying again cannot help');
  tells(command, async (holdfast, hold, { flags: { retry }, text }) =>
    holdfast.tasks.fail(hold, await readInput(text, 'what went wrong'), { retry }),
  );
  return withExamples(command, "task fail screen-c-1042 'no such file' --lease LEASE --from commander");
}

function releaseCommand(): Command {
  const command = new Command('release').description('Give a task back untried.').argument('<id>', "the task's id");
  tells(command, (holdfast, hold) => holdfast.tasks.release(hold));
  return withExamples(command, 'task release screen-c-1042 --lease LEASE --from commander');
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
