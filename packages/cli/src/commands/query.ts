import type { AggregateQuery, NetworkAggregateQuery, NetworkPageQuery, PageQuery } from '@holdfast/client';
import { Command } from 'commander';

import { type Call, withAction, withExamples } from '../action.ts';
import { CommandError } from '../command-error.ts';
import { parseJsonOption, parseWholeNumber } from '../option-values.ts';
import { withDaemon, withRelay } from '../services.ts';
import { answerGroups, answerRecords } from './query-answer.ts';

interface QueryFlags {
  readonly where?: string;
  readonly order?: readonly string[];
  readonly select?: readonly string[];
  readonly limit?: string;
  readonly after?: string;
  readonly count?: true;
  readonly groupBy?: readonly string[];
  readonly network?: true;
  readonly node?: readonly string[];
}

/** `holdfast query`. */
export function queryCommand(): Command {
  const command = new Command('query')
    .description('Find or count records of an agent here, or of all agents over the network.')
    .argument('[collection]', 'collection; with --network all of them if left out')
    .option('--where <json>', 'fields to values or comparisons, such as {"age":{"gte":18}}')
    .option('--order <field:direction>', 'order, such as created_at:desc; may be repeated', collect)
    .option('--select <field>', 'only this part of the documents; may be repeated', collect)
    .option('--limit <records>', 'most records of one answer (default: 100)')
    .option('--after <next>', '`next` of the answer before')
    .option('--count', 'count instead of listing')
    .option('--group-by <field>', 'count for each value of the field; may be repeated', collect)
    .option('--network', 'ask the relay; --agent then narrows to one agent')
    .option('--node <name>', 'with --network: only records of this node; may be repeated', collect);
  withAction<QueryFlags>(command, (call) => (call.options.network ? queryNetwork(call) : queryAgent(call)));
  return withExamples(
    command,
    `query candidates --where '{"status":"active"}' --order name:asc --agent recruiter`,
    'query messages --group-by role --network',
  );
}

async function queryAgent({ args: [collection], options, output }: Call<QueryFlags>): Promise<void> {
  if (collection === undefined) {
    throw new CommandError('COLLECTION is missing', 'Name a collection, or ask the whole network with --network.', 2);
  }
  const aggregate = aggregateOf(options);
  await withDaemon(options, async (holdfast) => {
    const records = holdfast.collection(collection);
    if (aggregate) answerGroups(output, await records.aggregate(aggregate));
    else answerRecords(output, await records.query(pageOf(options)));
  });
}

async function queryNetwork({ args: [collection], options, output }: Call<QueryFlags>): Promise<void> {
  const whose: Pick<NetworkPageQuery, 'collection' | 'nodes' | 'agents' | 'resources'> = {
    ...(collection !== undefined && { collection }),
    ...(options.node && { nodes: [...options.node] }),
    ...(options.agent !== undefined && { agents: [options.agent] }),
    ...(options.resource !== undefined && { resources: [options.resource] }),
  };
  const aggregate = aggregateOf(options);
  await withRelay(options, async (relay) => {
    if (aggregate) {
      const query: NetworkAggregateQuery = { ...aggregate, ...whose };
      answerGroups(output, await relay.aggregate(query));
    } else {
      const query: NetworkPageQuery = { ...pageOf(options), ...whose };
      answerRecords(output, await relay.query(query));
    }
  });
}

function aggregateOf(flags: QueryFlags): AggregateQuery | undefined {
  if (!flags.count && !flags.groupBy) return undefined;
  return {
    ...filterOf(flags),
    aggregate: { ...(flags.groupBy && { groupBy: [...flags.groupBy] }), metrics: { count: { count: '*' } } },
  };
}

function pageOf(flags: QueryFlags): PageQuery {
  return {
    ...filterOf(flags),
    ...(flags.select && { select: [...flags.select] }),
    ...(flags.after !== undefined && { after: flags.after }),
  };
}

function filterOf(flags: QueryFlags): Pick<PageQuery, 'where' | 'orderBy' | 'limit'> {
  return {
    // Its shape is the service's to check: it names each wrong place.
    ...(flags.where !== undefined && { where: parseJsonOption(flags.where, '--where') as PageQuery['where'] & object }),
    ...(flags.order && { orderBy: flags.order.map(orderOf) }),
    ...(flags.limit !== undefined && { limit: parseWholeNumber(flags.limit, '--limit') }),
  };
}

function orderOf(text: string): { [field: string]: 'asc' | 'desc' } {
  const [, field, direction] = /^(.+?)(?::(asc|desc))?$/.exec(text) ?? [];
  if (field === undefined) throw new CommandError('--order is empty', 'Write --order created_at:desc.', 2);
  // `age:down` would otherwise order by a field of that name, which no record has.
  if (direction === undefined && field.includes(':')) {
    throw new CommandError(`--order ${text} has no direction`, 'End it with :asc or :desc.', 2);
  }
  return { [field]: direction === 'desc' ? 'desc' : 'asc' };
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
