import type {
  AgentStatus,
  DiskStatus,
  NodeInfo,
  NodeStatus,
  RelayStatus,
  ScrubStatus,
  Subscription,
} from '@holdfast/protocol';

import { paint } from '../output.ts';
import { isSettled } from '../settled.ts';
import { type Column, renderTable } from '../table.ts';
import { agoText, countOf, countText, durationText, NOTHING, sizeText } from '../wording.ts';

const agentColumns: readonly Column[] = [
  { title: 'agent' },
  { title: 'file' },
  { title: 'records', align: 'right' },
  { title: 'size', align: 'right' },
  { title: 'outbox', align: 'right' },
  { title: 'oldest', align: 'right' },
  { title: 'last ack' },
  { title: 'sync' },
  { title: 'digest' },
  { title: 'dead letters', align: 'right' },
];

/** The node's link and a line for each agent. */
export function nodeStatusText(status: NodeStatus, nowMs: number): string {
  const { relay } = status;
  const head = [
    `${paint('bold', `Node ${status.node ?? '(not enrolled)'}`)}  ${paint('dim', upText(status, nowMs))}`,
    relay.url === null
      ? `Relay  ${paint('yellow', 'none yet')}  ${paint('dim', 'enrol with `holdfast join`; local work goes on')}`
      : `Relay  ${relay.url}  ${stateText(relay.state)}  ${paint('dim', `last contact ${agoText(relay.last_contact_at, nowMs)}`)}`,
    ...(relay.error === null ? [] : [`       ${paint('yellow', relay.error)}`]),
    ...(relay.url === null ? [] : incomingLines(status, nowMs)),
    ...status.subscriptions.map((subscription, at) => subscriptionText(subscription, at, nowMs)),
    ...upkeepLines(status, nowMs),
  ];
  const agents = status.agents.toSorted((one, other) => one.agent.localeCompare(other.agent));
  const body =
    agents.length === 0 ? paint('dim', 'no agents yet: holdfast agent create NAME') : agentsText(agents, nowMs);
  return [...head, '', body].join('\n');
}

/** One agent alone, as its own token may see it. */
export function agentStatusText(status: AgentStatus, nowMs: number): string {
  return agentsText([status], nowMs);
}

function upkeepLines(
  { disk, scrub, locks }: Pick<NodeStatus, 'disk' | 'scrub' | 'locks'>,
  nowMs: number,
): readonly string[] {
  const upkeep = [`Disk   ${diskText(disk)}`, `Files  ${scrubText(scrub, nowMs)}`];
  return locks.held + locks.waiting === 0 ? upkeep : [...upkeep, `Locks  ${locks.held} held, ${locks.waiting} wait`];
}

function incomingLines({ shared, mail }: Pick<NodeStatus, 'shared' | 'mail'>, nowMs: number): readonly string[] {
  const held = mail.held === 0 ? '' : paint('yellow', `  ${countOf(mail.held, 'letter')} held`);
  return [`Shared ${followText(shared, nowMs)}`, `Mail   ${followText(mail, nowMs)}${held}`];
}

function followText({ state, caught_up_at: caughtUpAt }: NodeStatus['shared'], nowMs: number): string {
  const since = caughtUpAt === null ? 'not complete since the start' : `complete ${agoText(caughtUpAt, nowMs)}`;
  return `${stateText(state)}  ${paint('dim', since)}`;
}

function subscriptionText(subscription: Subscription, at: number, nowMs: number): string {
  const { name, state, caught_up_at: caughtUpAt, records } = subscription;
  const since = caughtUpAt === null ? 'never complete yet' : `complete ${agoText(caughtUpAt, nowMs)}`;
  return `${at === 0 ? 'Copies' : '      '} ${name}  ${stateText(state)}  ${paint('dim', `${countOf(records, 'record')}, ${since}`)}`;
}

function diskText({ state, free_bytes: free, reserve_bytes: reserve }: DiskStatus): string {
  return `${stateText(state)}  ${paint('dim', `${sizeText(free)} free, ${sizeText(reserve)} of it in reserve`)}`;
}

function scrubText(
  { state, files_done: done, files_total: total, last_pass_at: last, problems }: ScrubStatus,
  nowMs: number,
): string {
  if (state === 'off') return paint('yellow', 'are not checked: scrub.hours is 0');
  const now = state === 'checking' ? `, ${done} of ${total} checked in this round` : '';
  const when = last === null ? `not all checked yet${now}` : `all checked ${agoText(last, nowMs)}${now}`;
  if (problems > 0) return `${paint('red', countOf(problems, 'problem'))}  ${paint('dim', `since the start; ${when}`)}`;
  return last === null ? when : `${paint('green', 'sound')}  ${paint('dim', when)}`;
}

/** The table, and under it what is wrong with files and why streams wait. */
function agentsText(agents: readonly AgentStatus[], nowMs: number): string {
  const table = renderTable(
    agentColumns,
    agents.map((agent) => agentRow(agent, nowMs)),
  );
  const wrong = agents.flatMap((agent) => noticeLines(agent));
  const waiting = agents.flatMap(({ agent, sync_error: error }) =>
    error ? [paint('yellow', `${agent} waits: ${error}`)] : [],
  );
  return [table, ...wrong, ...waiting].join('\n');
}

function noticeLines(status: AgentStatus): readonly string[] {
  const { agent, state, error } = status;
  if (error === null) return [];
  if (isSettled(status)) return [paint('dim', `${agent}, settled since: ${error}`)];
  return [paint(state === 'damaged' ? 'red' : 'yellow', `${agent}: ${error}`)];
}

function upText({ started_at: startedAt, version }: Pick<NodeStatus, 'started_at' | 'version'>, nowMs: number): string {
  return `up ${durationText((nowMs - Date.parse(startedAt)) / 1000)}, version ${version}`;
}

function agentRow(agent: AgentStatus, nowMs: number): readonly string[] {
  const { records, oldest_seconds: oldest } = agent.outbox;
  return [
    agent.agent,
    stateText(agent.state),
    countText(agent.records),
    sizeText(agent.bytes),
    records === 0 ? paint('dim', '0') : paint('yellow', countText(records)),
    oldest === null ? paint('dim', NOTHING) : durationText(oldest),
    agoText(agent.last_ack_at, nowMs),
    stateText(agent.sync),
    stateText(agent.digest),
    deadLettersText(agent.dead_letters),
  ];
}

const nodeColumns: readonly Column[] = [
  { title: 'node' },
  { title: 'last contact' },
  { title: 'dead letters', align: 'right' },
  { title: 'agent' },
  { title: 'records', align: 'right' },
  { title: 'last change' },
];

/** What a relay says of itself and of its nodes; `url` null if it is the client's own default. */
export interface RelayOverview extends RelayStatus {
  readonly url: string | null;
  readonly nodes: readonly NodeInfo[];
}

/** The relay's own state, and the nodes it knows with a line for each agent. */
export function relayStatusText(relay: RelayOverview, nowMs: number): string {
  const { url, nodes, put_back: putBack } = relay;
  const streams = nodes.flatMap(({ agents }) => agents);
  const records = streams.reduce((sum, stream) => sum + stream.records, 0);
  const sums = [countOf(nodes.length, 'node'), countOf(streams.length, 'agent'), countOf(records, 'record')].join(', ');
  const head = [
    `${paint('bold', 'Relay')}  ${url ?? ''}  ${paint('dim', `${sums}; ${upText(relay, nowMs)}`)}`,
    ...upkeepLines(relay, nowMs),
    ...(putBack === null ? [] : [paint('yellow', `Found put back or replaced at its start: ${putBack}`)]),
  ];
  const sorted = nodes.toSorted((one, other) => one.node.localeCompare(other.node));
  const body =
    nodes.length === 0
      ? paint('dim', 'no nodes yet: holdfast invite NODE')
      : renderTable(
          nodeColumns,
          sorted.flatMap((node) => nodeRows(node, nowMs)),
        );
  return [...head, '', body].join('\n');
}

function nodeRows(node: NodeInfo, nowMs: number): readonly (readonly string[])[] {
  const own = [node.node, agoText(node.last_contact_at, nowMs), deadLettersText(node.dead_letters)];
  const streams = node.agents.toSorted((one, other) => one.agent.localeCompare(other.agent));
  if (streams.length === 0) return [[...own, paint('dim', 'none'), '', '']];
  return streams.map((stream, at) => [
    ...(at === 0 ? own : ['', '', '']),
    stream.agent,
    countText(stream.records),
    agoText(stream.last_change_at, nowMs),
  ]);
}

function deadLettersText(count: number): string {
  return count === 0 ? paint('dim', '0') : paint('red', countText(count));
}

function stateText(state: string): string {
  if (['open', 'clean', 'ok', 'equal', 'following'].includes(state)) return paint('green', state);
  return ['cloned', 'paused', 'damaged', 'different', 'read-only'].includes(state)
    ? paint('red', state)
    : paint('yellow', state);
}
