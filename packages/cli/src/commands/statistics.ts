import type { Statistics, StatisticsOwner } from '@holdfast/protocol';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { paint } from '../output.ts';
import { withDaemon, withRelay } from '../services.ts';
import { type Column, renderTable } from '../table.ts';
import { agoText, countText, NOTHING, sizeText } from '../wording.ts';

/** `holdfast statistics`: of this node, or with `--relay` of the network. */
export function statisticsCommand(): Command {
  const command = new Command('statistics')
    .description(
      'Show how many records each collection has, how large they are, how old, and how many came a day over the last seven: of all ' +
        'agents of this node, of one with --agent or its own token, or with --relay of the network.',
    )
    .option('--relay', 'of the network, as the relay has it');
  withAction<{ readonly relay?: true }>(command, async ({ options, output }) => {
    const statistics = options.relay
      ? await withRelay(options, (relay) => relay.statistics())
      : await withDaemon(options, (holdfast) => holdfast.statistics());
    output.answer(statistics, () => statisticsText(statistics));
  });
  return withExamples(command, 'statistics --agent recruiter', 'statistics --relay');
}

const columns: readonly Column[] = [
  { title: 'agent' },
  { title: 'collection' },
  { title: 'records', align: 'right' },
  { title: 'size', align: 'right' },
  { title: 'oldest' },
  { title: 'newest' },
  { title: 'a day', align: 'right' },
  { title: 'size a day', align: 'right' },
];

function statisticsText({ at, agents }: Statistics): string {
  const rows = agents.flatMap((owner) => rowsOf(owner, Date.parse(at)));
  return rows.length === 0 ? paint('dim', 'no records') : renderTable(columns, rows);
}

function rowsOf({ node, agent, collections }: StatisticsOwner, nowMs: number): string[][] {
  return collections.map((each) => [
    node === undefined ? agent : `${node}/${agent}`,
    each.name,
    countText(each.records),
    sizeText(each.bytes),
    each.oldest === null ? NOTHING : agoText(each.oldest, nowMs),
    each.newest === null ? NOTHING : agoText(each.newest, nowMs),
    countText(Math.round(each.records_per_day)),
    sizeText(Math.round(each.bytes_per_day)),
  ]);
}
