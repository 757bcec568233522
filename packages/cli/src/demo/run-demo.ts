import { countOf, countText, sizeText } from '../wording.ts';
import { type Account, areEqual, type Findings, type Spread } from './account.ts';
import { drainOutboxes } from './acts/drain.ts';
import { killNode } from './acts/node-kill.ts';
import { loseRelay } from './acts/relay-outage.ts';
import { compareAll } from './acts/verdict.ts';
import { measureVisible } from './acts/visible.ts';
import { formNetwork, type Network, startServices } from './network.ts';
import { Outboxes } from './outboxes.ts';
import type { Screen } from './screen.ts';
import type { Stage } from './stage.ts';

/** The node that is killed. */
const VICTIM = 'laptop';

/** What the story needs. */
export interface DemoOptions {
  readonly stage: Stage;
  readonly screen: Screen;
  readonly signal: AbortSignal;
  /** Told of a failure that no step waits for. */
  readonly onFailure: (error: unknown) => void;
}

/** Tells the whole story, from an empty folder to the comparison. Throws CommandError, or the reason of `signal`. */
export async function runDemo({ stage, screen, signal, onFailure }: DemoOptions): Promise<Findings> {
  const start = await screen.step({
    title: 'a relay and two nodes started',
    work: () => startServices(stage),
    figure: (it) => `ready after ${[it.relay_ms, ...it.nodes_ms].join(', ')} ms`,
  });
  const network = await screen.step({
    title: 'nodes joined, agents at work',
    work: () => formNetwork(stage, signal, onFailure),
    figure: ({ agents }) => placesText(agents),
  });
  const visible = await screen.step({
    title: 'writes arrive on the relay',
    work: () => measureVisible(network),
    figure: (it) => `${spreadText(it)} after sending (${countOf(it.writes, 'write')})`,
  });
  const broken = await breakThings(network, screen);
  const mended = await mendThings(network, screen);
  return { start, visible, ...broken, ...mended, ...(await judge(network, screen)) };
}

async function breakThings(network: Network, screen: Screen): Promise<Pick<Account, 'relay_outage' | 'node_kill'>> {
  const relayOutage = await screen.step({
    title: 'relay killed, agents write on',
    work: (show) => loseRelay(network, show),
    figure: (it) =>
      `${countOf(it.writes, 'write')}, ${spreadText(it.acknowledged)}; ` +
      `outboxes ${countText(it.outbox_records_before)} → ${countText(it.outbox_records_after)}`,
  });
  const nodeKill = await screen.step({
    title: `${VICTIM} killed in mid-write`,
    work: () => killNode(network, VICTIM),
    figure: (it) =>
      `${countOf(it.unanswered_writes, 'write')} under way; of ${countText(it.acknowledged_writes)} acknowledged ` +
      `${lostText(it.lost_records)}; back in ${it.ready_ms} ms`,
    holds: (it) => it.lost_records === 0,
  });
  return { relay_outage: relayOutage, node_kill: nodeKill };
}

async function mendThings(network: Network, screen: Screen): Promise<Pick<Account, 'relay_return' | 'drain'>> {
  const before = await Outboxes.of(network);
  const relayReturn = await screen.step({
    title: 'relay started again',
    work: async () => ({ ready_ms: Math.round(await network.stage.relay.start()) }),
    figure: (it) => `ready after ${it.ready_ms} ms`,
  });
  const drain = await screen.step({
    title: 'outboxes drained',
    work: (show) => drainOutboxes(network, before, show),
    figure: (it) =>
      `nodes called again after ${it.contact_seconds} s; ${countOf(it.records, 'record')} ` +
      `${it.seconds} s later, agents still at work`,
  });
  return { relay_return: relayReturn, drain };
}

async function judge(network: Network, screen: Screen): Promise<Awaited<ReturnType<typeof compareAll>>> {
  const verdict = await screen.step({
    title: 'nodes and relay compared',
    work: () => compareAll(network),
    figure: ({ comparison: it }) =>
      `${countText(it.node_records)} and ${countText(it.relay_records)} records, ${sizeText(it.bytes)}: ` +
      (areEqual(it) ? 'equal byte by byte' : 'NOT EQUAL'),
    holds: ({ comparison }) => areEqual(comparison),
  });
  const { ledger, dead_letters: deadLetters } = verdict;
  await screen.step({
    title: 'acknowledged writes looked for',
    work: async () => ledger,
    figure: (it) =>
      `of ${countText(it.acknowledged_writes)} ${lostText(it.lost_records)}; ${countOf(deadLetters, 'dead letter')}`,
    holds: (it) => it.lost_records + deadLetters === 0,
  });
  return verdict;
}

function spreadText({ median_ms: median, p99_ms: p99 }: Spread): string {
  return `median ${median} ms, p99 ${p99} ms`;
}

function placesText(agents: Network['agents']): string {
  const nodes = Object.entries(Object.groupBy(agents, ({ node }) => node));
  return nodes.map(([node, its = []]) => `${its.map(({ agent }) => agent).join(', ')} on ${node}`).join('; ');
}

function lostText(records: number): string {
  return records === 0 ? 'none lost' : `${countText(records)} LOST`;
}
