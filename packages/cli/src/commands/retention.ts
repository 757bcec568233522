import type { RetentionAnswer, RetentionOwner, RetentionPolicy, RetentionRun } from '@holdfast/protocol';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { paint } from '../output.ts';
import { withDaemon, withRelay } from '../services.ts';
import { type Column, renderTable } from '../table.ts';
import { countOf, countText, NOTHING, sizeText } from '../wording.ts';

interface RetentionFlags {
  readonly relay?: true;
}

interface RunFlags extends RetentionFlags {
  readonly dryRun?: true;
}

/** `holdfast retention`: of this node, or with `--relay` of the relay. */
export function retentionCommand(): Command {
  const command = new Command('retention').description(
    'What collections declare to be kept no longer is removed by schedule (`retention.hours`), on the node only once the relay has ' +
      'acknowledged it. Needs the admin token.',
  );
  command.addCommand(runCommand()).addCommand(showCommand());
  return withExamples(command, 'retention run --dry-run', 'retention show --relay');
}

function runCommand(): Command {
  const command = new Command('run')
    .description('Remove now what is over age or number; --agent names one agent.')
    .option('--dry-run', 'remove nothing, and tell what would be')
    .option('--relay', 'on the relay, not on this node');
  withAction<RunFlags>(command, async ({ options, output }) => {
    const request = { dryRun: options.dryRun, agent: options.agent };
    const run = options.relay
      ? await withRelay(options, (relay) => relay.retention.run(request))
      : await withDaemon(options, (holdfast) => holdfast.retention.run(request));
    output.answer(run, () => runText(run));
  });
  return withExamples(command, 'retention run --agent recruiter --dry-run', 'retention run --relay');
}

function showCommand(): Command {
  const command = new Command('show')
    .description('Show what is declared, when it is carried out, and what the last run removed.')
    .option('--relay', 'on the relay, not on this node');
  withAction<RetentionFlags>(command, async ({ options, output }) => {
    const shown = options.relay
      ? await withRelay(options, (relay) => relay.retention.show())
      : await withDaemon(options, (holdfast) => holdfast.retention.show());
    output.answer(shown, () => shownText(shown));
  });
  return withExamples(command, 'retention show', 'retention show --relay');
}

const runColumns: readonly Column[] = [
  { title: 'agent' },
  { title: 'collection' },
  { title: 'records', align: 'right' },
  { title: 'size', align: 'right' },
  { title: 'kept back', align: 'right' },
];

function runText(run: RetentionRun): string {
  const { dry_run: isDryRun, records, bytes, freed_bytes: freedBytes, agents } = run;
  const what = `${countOf(records, 'record')}, ${sizeText(bytes)}`;
  const head = isDryRun ? `${what} would be removed` : `${what} removed; files are ${sizeText(freedBytes)} smaller`;
  const rows = agents.flatMap(rowsOf);
  return [head, ...agents.flatMap(waitsText), ...(rows.length === 0 ? [] : ['', renderTable(runColumns, rows)])].join(
    '\n',
  );
}

function rowsOf({ node, agent, collections }: RetentionOwner): string[][] {
  return collections.map(({ name, records, bytes, kept_back: keptBack }) => [
    node === undefined ? agent : `${node}/${agent}`,
    name,
    countText(records),
    sizeText(bytes),
    keptBack === 0 ? NOTHING : paint('yellow', countText(keptBack)),
  ]);
}

const waitTexts = {
  comparison: 'waits until node and relay were compared and hold the same',
  restore: 'waits until its file serves',
} as const;

function waitsText({ agent, waits_for: waitsFor }: RetentionOwner): string[] {
  return waitsFor === null ? [] : [paint('yellow', `${agent} ${waitTexts[waitsFor]}`)];
}

const declaredColumns: readonly Column[] = [
  { title: 'agent' },
  { title: 'collection' },
  { title: 'on the node' },
  { title: 'on the relay' },
];

function shownText(shown: RetentionAnswer): string {
  const { every_hours: everyHours, next_at: nextAt, last_run: lastRun, declared } = shown;
  const rows = declared.map(({ agent = NOTHING, collection, retention: { node, relay } }) => [
    agent,
    collection,
    policyText(node),
    policyText(relay),
  ]);
  return [
    everyHours === 0 ? 'only when asked' : `every ${countOf(everyHours, 'hour')}, next ${nextAt ?? NOTHING}`,
    ...(lastRun === null ? [] : [`last ${lastRun.at}: ${runText(lastRun)}`]),
    '',
    rows.length === 0 ? paint('dim', 'no collection declares a retention') : renderTable(declaredColumns, rows),
  ].join('\n');
}

function policyText(policy: RetentionPolicy | undefined): string {
  const parts = [
    ...(policy?.days === undefined ? [] : [countOf(policy.days, 'day')]),
    ...(policy?.records === undefined ? [] : [countOf(policy.records, 'record')]),
  ];
  return parts.length === 0 ? 'for ever' : parts.join(', at most ');
}
