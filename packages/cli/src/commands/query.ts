import type {
  AggregateQuery,
  Group,
  NetworkAggregateQuery,
  NetworkClient,
  NetworkPage,
  NetworkPageQuery,
  Page,
  PageQuery,
  RecordOf,
} from '@holdfast/client';
import { isHoldfastError, type NetworkQuery, parseQueryText, type QueryPlan } from '@holdfast/protocol';
import { Command } from 'commander';

import { type Call, withAction, withExamples } from '../action.ts';
import { CommandError } from '../command-error.ts';
import { type Format, formatOf, formatOption } from '../format.ts';
import { collect, parseJsonOption, parseWholeNumber } from '../option-values.ts';
import { makeOutput, paint } from '../output.ts';
import { recordCells } from '../record-cells.ts';
import { withDaemon, withRelay } from '../services.ts';
import { type Cells, printCsv, printLines } from '../streamed-output.ts';
import { freshnessText } from './freshness-text.ts';
import { replicaText } from './replica-text.ts';
import { answerGroups, answerPlan, answerRecords } from './query-answer.ts';

interface QueryFlags {
  readonly where?: string;
  readonly order?: readonly string[];
  readonly select?: readonly string[];
  readonly limit?: string;
  readonly after?: string;
  readonly count?: true;
  readonly groupBy?: readonly string[];
  readonly explain?: true;
  readonly format?: Format;
  readonly network?: true;
  readonly viaNode?: true;
  readonly replica?: true;
  readonly freshness?: true;
  readonly node?: readonly string[];
}

/** `holdfast query`. */
export function queryCommand(): Command {
  const command = new Command('query')
    .description('Find, count or compute over records of an agent here, or of all agents over the network.')
    .argument('[query]', 'a collection, or a query as text (docs/query.md); with --network all collections if left out')
    .option('--where <json>', 'fields to values or comparisons, such as {"age":{"gte":18}}')
    .option('--order <field:direction>', 'order, such as created_at:desc; may be repeated', collect)
    .option('--select <field>', 'only this part of the documents; may be repeated', collect)
    .option('--limit <records>', 'most records of one answer (default: 100; with ndjson and csv all there are)')
    .option('--after <next>', '`next` of the answer before')
    .option('--count', 'count instead of listing')
    .option('--group-by <field>', 'count for each value of the field; may be repeated', collect)
    .option('--explain', 'show how the query would run, and the indexes it would use')
    .addOption(formatOption())
    .option('--network', 'ask the relay; --agent then narrows to one agent')
    .option('--via-node', 'with --network: ask through the node here, with its token; sees what its agents may')
    .option('--replica', 'ask the copies this node keeps of what other agents wrote, with or without the relay')
    .option('--freshness', 'with --network: say also how fresh the answer is, by what the relay heard of each node')
    .option('--node <name>', 'with --network or --replica: only records of this node; may be repeated', collect);
  withAction<QueryFlags>(command, ({ options, ...call }) =>
    isAboutMany(options) ? queryNetwork({ options, ...call }) : queryAgent({ options, ...call }),
  );
  return withExamples(
    command,
    `query 'candidates where skills has Python and experience_years >= 3 order by name' --agent recruiter`,
    `query 'messages count group by role' --network`,
    `query candidates --network --via-node --agent recruiter`,
    `query candidates --replica --agent recruiter`,
    `query 'messages where role = user' --network --format csv`,
    `query candidates --where '{"status":"active"}' --order name:asc --agent recruiter`,
  );
}

function isAboutMany({ network, viaNode, replica }: QueryFlags): boolean {
  return network === true || viaNode === true || replica === true;
}

async function queryAgent({ args: [text], options, output }: Call<QueryFlags>): Promise<void> {
  const { collection, ...query } = queryOf(text, options);
  if (collection === undefined) {
    throw new CommandError('COLLECTION is missing', 'Name a collection, or ask the whole network with --network.', 2);
  }
  await withDaemon(options, async (holdfast) => {
    await answer({ options, output }, holdfast.collection(collection), query);
  });
}

async function queryNetwork({ args: [text], options, output }: Call<QueryFlags>): Promise<void> {
  const query: NetworkQuery = {
    ...queryOf(text, options),
    ...(options.node && { nodes: [...options.node] }),
    ...(options.freshness && { freshness: true }),
  };
  if (options.replica) return queryReplica({ options, output }, query);
  if (options.viaNode) {
    await withDaemon(options, ({ network }) => {
      const asked = { ...network, stream: (wanted: NetworkPageQuery) => network.each(wanted) };
      return answerNetwork({ options, output }, asked, query);
    });
    return;
  }
  const narrowed: NetworkQuery = {
    ...query,
    ...(options.agent !== undefined && { agents: [options.agent] }),
    ...(options.resource !== undefined && { resources: [options.resource] }),
  };
  await withRelay(options, (relay) => answerNetwork({ options, output }, relay, narrowed));
}

async function queryReplica(call: Asking, query: NetworkQuery): Promise<void> {
  if (call.options.network || call.options.freshness) {
    throw new CommandError('--replica asks this node alone', 'Leave out --network and --freshness.', 2);
  }
  await withDaemon(call.options, async ({ replica }) => {
    await answer(call, { ...replica, stream: (wanted) => replica.each(wanted) }, query);
  });
}

async function answerNetwork(
  { options, output }: Asking,
  network: Asked & Pick<NetworkClient, 'freshness'>,
  query: NetworkQuery,
): Promise<void> {
  await answer({ options, output }, network, query);
  if (!options.freshness || options.explain || output.json) return;
  output.remark(paint('dim', freshnessText(await network.freshness(query), Date.now())));
}

/** Who asks, and where the answer goes. */
type Asking = Pick<Call<QueryFlags>, 'options' | 'output'>;

/** What takes queries: a collection of the daemon, or the relay. */
interface Asked {
  query(query: NetworkPageQuery): Promise<Page<unknown> & Pick<NetworkPage<unknown>, 'subscriptions'>>;
  aggregate(query: NetworkAggregateQuery): Promise<readonly Group[]>;
  explain(query: NetworkPageQuery | NetworkAggregateQuery): Promise<QueryPlan>;
  stream(query: NetworkPageQuery): AsyncIterable<RecordOf<unknown>>;
}

async function answer(call: Asking, asked: Asked, query: NetworkQuery): Promise<void> {
  const { options } = call;
  const { aggregate } = query;
  const format = formatOf(options);
  if (format === 'ndjson' || format === 'csv') return streamAnswer(asked, query, { format, explain: options.explain });
  const output = format === 'json' ? makeOutput(true) : call.output;
  if (options.explain) answerPlan(output, await asked.explain(query));
  else if (aggregate) answerGroups(output, await asked.aggregate({ ...query, aggregate }));
  else {
    const page = await asked.query(query);
    answerRecords(output, page);
    if (page.subscriptions) output.remark(paint('dim', replicaText(page.subscriptions, Date.now())));
  }
}

async function streamAnswer(
  asked: Asked,
  query: NetworkQuery,
  { format, explain }: { readonly format: 'ndjson' | 'csv'; readonly explain: true | undefined },
): Promise<void> {
  const { aggregate } = query;
  if (explain) throw new CommandError(`a plan is not shown as ${format}`, 'Leave out --format, or say json.', 2);
  if (aggregate) {
    const groups = await asked.aggregate({ ...query, aggregate });
    await (format === 'csv' ? printCsv(groupCells(groups)) : printLines(eachOf(groups)));
    return;
  }
  const records = asked.stream(query);
  await (format === 'csv' ? printCsv(recordCells(records, query.select)) : printLines(records));
}

async function* eachOf<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}

async function* groupCells(groups: readonly Group[]): AsyncGenerator<Cells> {
  const names = Object.keys(groups[0] ?? {});
  if (names.length > 0) yield names;
  yield* groups.map((group) => names.map((name) => group[name]));
}

/** What the text says, and the flags beside it. */
function queryOf(text: string | undefined, flags: QueryFlags): NetworkQuery {
  const said = text === undefined ? {} : parsed(text);
  const flagged = { ...pageOf(flags), ...aggregateOf(flags) };
  for (const part of Object.keys(flagged)) {
    if (part in said) throw new CommandError(`the query says ${part} twice`, 'Say it in the text, or by an option.', 2);
  }
  return { ...said, ...flagged };
}

function parsed(text: string): NetworkQuery {
  try {
    return parseQueryText(text);
  } catch (error) {
    if (!isHoldfastError(error, 'invalid-request')) throw error;
    throw new CommandError(error.message, 'docs/query.md teaches queries, `holdfast query --help` shows some.', 2);
  }
}

function aggregateOf(flags: QueryFlags): Pick<AggregateQuery, 'aggregate'> | undefined {
  if (!flags.count && !flags.groupBy) return undefined;
  return { aggregate: { ...(flags.groupBy && { groupBy: [...flags.groupBy] }), metrics: { count: { count: '*' } } } };
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
