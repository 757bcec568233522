import type { Subscription } from '@holdfast/client';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { collect } from '../option-values.ts';
import { paint } from '../output.ts';
import { withDaemon } from '../services.ts';
import { type Column, renderTable } from '../table.ts';
import { agoText, countText } from '../wording.ts';

const columns: readonly Column[] = [
  { title: 'name' },
  { title: 'of' },
  { title: 'state' },
  { title: 'complete' },
  { title: 'records', align: 'right' },
  { title: 'made by' },
];

/** `holdfast subscription`: what the node keeps a copy of. */
export function subscriptionCommand(): Command {
  const command = new Command('subscription').description(
    'What this node keeps a copy of: records of agents of other nodes, as far as the relay lets it read them.',
  );
  for (const make of [listCommand, addCommand, removeCommand]) command.addCommand(make());
  return withExamples(
    command,
    'subscription add candidates --collection candidates',
    'subscription list',
    'query candidates --replica --agent recruiter',
  );
}

function listCommand(): Command {
  const command = new Command('list').description('All subscriptions, and how far each is.');
  withAction<object>(command, async ({ options, output }) => {
    const subscriptions = await withDaemon(options, (holdfast) => holdfast.subscriptions.list());
    output.answer({ subscriptions }, () => listText(subscriptions, Date.now()));
  });
  return withExamples(command, 'subscription list');
}

interface AddFlags {
  readonly collection: readonly string[];
  readonly node?: readonly string[];
  readonly ofAgent?: readonly string[];
  readonly ofResource?: readonly string[];
}

function addCommand(): Command {
  const command = new Command('add')
    .description('Keep a copy of records from now on. Under a name that is taken it gets this scope instead.')
    .argument('<name>', 'what to call it')
    .requiredOption('--collection <name>', 'of this collection; may be repeated', collect)
    .option('--node <name>', 'only what this node wrote; may be repeated', collect)
    .option('--of-agent <name>', 'only what this agent wrote; may be repeated', collect)
    .option('--of-resource <name>', 'only of this resource; may be repeated', collect);
  withAction<AddFlags>(command, async ({ args: [name = ''], options, output }) => {
    const scope = {
      collections: [...options.collection],
      ...(options.node && { nodes: [...options.node] }),
      ...(options.ofAgent && { agents: [...options.ofAgent] }),
      ...(options.ofResource && { resources: [...options.ofResource] }),
    };
    const made = await withDaemon(options, (holdfast) => holdfast.subscriptions.put(name, scope));
    output.answer(
      made,
      () => `${name}: subscribed to ${scopeText(made)}; \`holdfast subscription list\` shows how far it is`,
    );
  });
  return withExamples(command, 'subscription add people --collection candidates --collection interviews --node laptop');
}

function removeCommand(): Command {
  const command = new Command('remove')
    .description('End a subscription. Its copies are removed, unless another one covers them.')
    .argument('<name>', 'its name');
  withAction<object>(command, async ({ args: [name = ''], options, output }) => {
    const wasThere = await withDaemon(options, (holdfast) => holdfast.subscriptions.remove(name));
    if (!wasThere) throw await notFound(name);
    output.answer({ removed: name }, () => `${name} removed`);
  });
  return withExamples(command, 'subscription remove candidates');
}

async function notFound(name: string): Promise<Error> {
  const { HoldfastError } = await import('@holdfast/protocol');
  return new HoldfastError('subscription-not-found', `this node has no subscription "${name}"`);
}

function listText(subscriptions: readonly Subscription[], nowMs: number): string {
  if (subscriptions.length === 0) {
    return paint('dim', 'this node subscribes to nothing: holdfast subscription add NAME --collection COLLECTION');
  }
  const rows = subscriptions.map((subscription) => [
    subscription.name,
    scopeText(subscription),
    subscription.state,
    agoText(subscription.caught_up_at, nowMs),
    countText(subscription.records),
    subscription.origin,
  ]);
  return renderTable(columns, rows);
}

function scopeText({ collections, nodes, agents, resources }: Subscription): string {
  const parts = [
    collections.join(', '),
    ...(nodes === undefined ? [] : [`of ${nodes.join(', ')}`]),
    ...(agents === undefined ? [] : [`by ${agents.join(', ')}`]),
    ...(resources === undefined ? [] : [`in ${resources.map((resource) => resource || 'no resource').join(', ')}`]),
  ];
  return parts.join(' ');
}
