import { relative } from 'node:path';

import { giveToOwner } from '@holdfast/backup';
import { Argument, Command, Option } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { assertPrepared, inLockedDirectory, placeOf, serviceOf, type ServicePlace } from '../backup/place.ts';
import { fileBar } from '../backup/progress.ts';
import { CommandError, INCOMPLETE_EXIT } from '../command-error.ts';
import type { GlobalOptions } from '../global-options.ts';
import { createMigration, type CreatedMigration } from '../migrate/create.ts';
import { type DatabaseKind, databaseKinds, databasesIn } from '../migrate/databases.ts';
import { type MigrationRun, runDown, runUp } from '../migrate/run.ts';
import { type SchemaStanding, standingOf } from '../migrate/standing.ts';
import { type Output, paint } from '../output.ts';
import { renderTable } from '../table.ts';
import { countOf, NOTHING } from '../wording.ts';

interface ServiceFlags {
  readonly relay?: true;
}

interface CreateFlags {
  readonly of: DatabaseKind;
}

const RELAY_OPTION = ['--relay', 'of the relay, not of the node'] as const;

/** `holdfast migrate`: the schemas of a data directory whose service does not run. */
export function migrateCommand(): Command {
  const command = new Command('migrate')
    .description(
      'Show and change the schemas of the databases in a data directory. The service must be stopped; it brings its databases ' +
        'forward by itself when it starts.',
    )
    .addCommand(statusCommand())
    .addCommand(upCommand())
    .addCommand(downCommand())
    .addCommand(createCommand());
  return withExamples(
    command,
    'migrate status',
    'migrate up --relay',
    'migrate down agents',
    'migrate create lists --of agents',
  );
}

/** Does `work` in the data directory of the service the options name, which nobody else uses meanwhile. */
async function inPlace<Result>(
  options: ServiceFlags & GlobalOptions,
  work: (place: ServicePlace) => Promise<Result>,
): Promise<Result> {
  const place = await placeOf(serviceOf(options), options);
  assertPrepared(place);
  return inLockedDirectory(place.directory, async () => {
    try {
      return await work(place);
    } finally {
      // Root leaves nothing of its own there, not even the log of a database that was only looked at.
      giveToOwner(place.directory, place.directory);
    }
  });
}

function statusCommand(): Command {
  const command = new Command('status')
    .description(
      'List each database with its schema, the newest known, and the steps that would run. Exit code 3: one cannot be read.',
    )
    .option(...RELAY_OPTION);
  withAction<ServiceFlags>(command, async ({ options, output }) => {
    const answer = await inPlace(options, async ({ service, directory }) => ({
      directory,
      databases: databasesIn(service, directory).map(standingOf),
    }));
    output.answer(answer, () => statusText(answer.databases));
    return answer.databases.some(({ error }) => error !== null) ? INCOMPLETE_EXIT : 0;
  });
  return withExamples(command, 'migrate status', 'migrate status --relay --json');
}

function statusText(databases: readonly SchemaStanding[]): string {
  const columns = [
    { title: 'database' },
    { title: 'schema', align: 'right' as const },
    { title: 'newest', align: 'right' as const },
    { title: 'would run' },
    { title: 'one step back' },
  ];
  const rows = databases.map(({ file, schema, newest, pending, no_way_back: reason, error }) => [
    file,
    schema === null ? NOTHING : String(schema),
    String(newest),
    error === null ? pending.join(', ') || NOTHING : paint('red', error),
    error === null ? (reason ?? 'possible') : NOTHING,
  ]);
  return renderTable(columns, rows);
}

function upCommand(): Command {
  const command = new Command('up')
    .description(
      'Bring every database to the newest schema. Each is copied to before-migration/ in the data directory first, and the ' +
        'copy is read whole. Exit code 3: one could not be brought there, the others are.',
    )
    .option(...RELAY_OPTION);
  withAction<ServiceFlags>(command, async ({ options, output }) => {
    const bar = fileBar(output.json);
    const run = await inPlace(options, (place) => runUp({ ...place, bar })).finally(() => bar.end());
    return answerRun(output, run);
  });
  return withExamples(command, 'migrate up', 'migrate up --relay');
}

function downCommand(): Command {
  const command = new Command('down')
    .description(
      'Take the databases of one kind one schema back, for an older Holdfast to read. Refused where that would lose what is ' +
        'needed. Each is copied first as with up. This version brings them forward again when it starts.',
    )
    .addArgument(new Argument('[kind]', 'which databases of a node').choices(databaseKinds))
    .option(...RELAY_OPTION);
  withAction<ServiceFlags>(command, async ({ args, options, output }) => {
    const kind = kindOf(args[0] as DatabaseKind | undefined, options);
    const bar = fileBar(output.json);
    const run = await inPlace(options, (place) => runDown(kind, { ...place, bar })).finally(() => bar.end());
    return answerRun(output, run);
  });
  return withExamples(command, 'migrate down agents', 'migrate down node', 'migrate down --relay');
}

function kindOf(named: DatabaseKind | undefined, options: ServiceFlags & GlobalOptions): DatabaseKind {
  const isRelay = serviceOf(options) === 'relay';
  if (isRelay && (named === undefined || named === 'relay')) return 'relay';
  if (!isRelay && named !== undefined && named !== 'relay') return named;
  throw new CommandError(
    isRelay ? 'a relay has one database' : 'say which databases of the node: node or agents',
    'See `holdfast migrate down --help`; --relay is for the relay.',
    2,
  );
}

function answerRun(output: Output, run: MigrationRun): number {
  output.answer(run, () => runText(run));
  return run.failed.length > 0 ? INCOMPLETE_EXIT : 0;
}

function runText({ migrated, unchanged, failed }: MigrationRun): string {
  return [
    ...migrated.map(
      ({ file, from, to, copy }) => `${paint('green', '✓')} ${file}: schema ${from} → ${to}; before: ${copy}`,
    ),
    ...failed.map(({ file, reason }) => `${paint('red', '✗')} ${file}: ${reason}`),
    ...(unchanged > 0 ? [paint('dim', `${countOf(unchanged, 'database')} already there`)] : []),
  ].join('\n');
}

function createCommand(): Command {
  const command = new Command('create')
    .description('Write the next numbered migration from a template, in a checkout of Holdfast.')
    .argument('<name>', 'its name, such as record-labels')
    .addOption(new Option('--of <kind>', 'of which databases').choices(databaseKinds).makeOptionMandatory());
  withAction<CreateFlags>(command, async ({ args: [name = ''], options, output }) => {
    const created = createMigration(options.of, name, process.cwd());
    output.answer(created, () => createdText(created));
  });
  return withExamples(command, 'migrate create record-labels --of agents');
}

function createdText({ file, constant, list, number }: CreatedMigration): string {
  return [
    `${paint('green', '✓')} ${fromHere(file)}`,
    `  Write its SQL and its way back, add ${constant} as number ${number} to ${fromHere(list)}, then: npm run docs`,
  ].join('\n');
}

function fromHere(path: string): string {
  return relative(process.cwd(), path);
}
