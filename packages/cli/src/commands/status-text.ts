import type { AgentStatus, NodeInfo, NodeStatus, ScrubStatus } from '@holdfast/protocol';

import { paint } from '../output.ts';
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
    `${paint('bold', `Node ${status.node ?? '(not enrolled)'}`)}  ${paint('dim', `up ${upText(status, nowMs)}, version ${status.version}`)}`,
    relay.url === null
      ? `Relay  ${paint('yellow', 'none yet')}  ${paint('dim', 'enrol with `holdfast join`; local work goes on')}`
      : `Relay  ${relay.url}  ${stateText(relay.state)}  ${paint('dim', `last contact ${agoText(relay.last_contact_at, nowMs)}`)}`,
    ...(relay.error === null ? [] : [`       ${paint('yellow', relay.error)}`]),
    `Disk   ${stateText(status.disk.state)}  ${paint('dim', `${sizeText(status.disk.free_bytes)} free, ${sizeText(status.disk.reserve_bytes)} of it in reserve`)}`,
    `Files  ${scrubText(status.scrub, nowMs)}`,
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

function scrubText(
  { state, files_done: done, files_total: total, last_pass_at: last, problems }: ScrubStatus,
  nowMs: number,
): string {
  if (state === 'off') return paint('yellow', 'are not checked: scrub.hours is 0');
  const now = state === 'checking' ? `, ${done} of ${total} checked in this round` : '';
  const found = problems === 0 ? paint('green', 'sound') : paint('red', countOf(problems, 'problem'));
  return last === null
    ? `not all checked yet${now}`
    : `${found}  ${paint('dim', `all checked ${agoText(last, nowMs)}${now}`)}`;
}

/** The table, and under it what is wrong with files and why streams wait. */
function agentsText(agents: readonly AgentStatus[], nowMs: number): string {
  const table = renderTable(
    agentColumns,
    agents.map((agent) => agentRow(agent, nowMs)),
  );
  const wrong = agents.flatMap(({ agent, state, error }) =>
    error === null ? [] : [paint(state === 'damaged' ? 'red' : 'yellow', `${agent}: ${error}`)],
  );
  const waiting = agents.flatMap(({ agent, sync_error: error }) =>
    error ? [paint('yellow', `${agent} waits: ${error}`)] : [],
  );
  return [table, ...wrong, ...waiting].join('\n');
}

function upText(status: NodeStatus, nowMs: number): string {
  return durationText((nowMs - Date.parse(status.started_at)) / 1000);
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

/** The nodes a relay knows, with a line for each agent; `url` null if it is the client's own default. */
export function relayStatusText(url: string | null, nodes: readonly NodeInfo[], nowMs: number): string {
  const streams = nodes.flatMap(({ agents }) => agents);
  const records = streams.reduce((sum, stream) => sum + stream.records, 0);
  const sums = [countOf(nodes.length, 'node'), countOf(streams.length, 'agent'), countOf(records, 'record')].join(', ');
  const head = `${paint('bold', 'Relay')}  ${url ?? ''}  ${paint('dim', sums)}`;
  const sorted = nodes.toSorted((one, other) => one.node.localeCompare(other.node));
  const body =
    nodes.length === 0
      ? paint('dim', 'no nodes yet: holdfast invite NODE')
      : renderTable(
          nodeColumns,
          sorted.flatMap((node) => nodeRows(node, nowMs)),
        );
  return [head, '', body].join('\n');
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
  if (['open', 'clean', 'ok', 'equal'].includes(state)) return paint('green', state);
  return ['cloned', 'paused', 'damaged', 'different', 'read-only'].includes(state)
    ? paint('red', state)
    : paint('yellow', state);
}
