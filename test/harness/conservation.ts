import assert from 'node:assert/strict';

import { eventually } from '@holdfast/testkit';

import type { Answer, Entry, Ledger } from './ledger.ts';
import type { Network } from './network.ts';
import { differences, readAgents, readRelay, type Records, type Stored } from './stored.ts';

const DRAIN_LIMIT_MS = 60_000;
const SHOWN_PROBLEMS = 10;

/** Figures of a network that lost nothing. */
export interface Conserved {
  /** Records there are, on the nodes and on the relay alike. */
  readonly records: number;
  readonly acknowledgedWrites: number;
  readonly unansweredWrites: number;
}

/**
 * The conservation oracle. Waits until every outbox is empty, without writing anything, and then demands:
 * - each record is as its latest acknowledged write left it, or as a later one that nobody answered would; nothing else
 *   is there, and an unanswered batch is there whole or not at all;
 * - nodes and relay hold the same records, byte for byte, each once;
 * - no position was given out twice, and later ones have higher versions;
 * - the relay stands where each node is, and there are no dead letters.
 */
export async function expectConserved(network: Network, ledger: Ledger): Promise<Conserved> {
  await expectDrained(network);
  const onNodes = await readAgents(network.agents);
  const onRelay = await readRelay(network.desk);
  const problems = [...differences(onNodes, onRelay), ...broken(ledger, onNodes)];
  if (problems.length > 0) {
    throw new Error(`${problems.length} broken promises:\n${problems.slice(0, SHOWN_PROBLEMS).join('\n')}`);
  }
  const { acknowledgedWrites, unansweredWrites } = ledger;
  return { records: onNodes.size, acknowledgedWrites, unansweredWrites };
}

/** Waits until the relay holds everything: outboxes empty, nothing rejected, cursors equal. */
export async function expectDrained({ nodes, desk }: Pick<Network, 'nodes' | 'desk'>): Promise<void> {
  await eventually(
    async () => {
      const streams = await streamsOfNodes(nodes);
      const waiting = streams.filter(({ waiting }) => waiting !== 0);
      const open = nodes.map(() => ({ state: 'open', error: null }));
      assert.deepEqual({ waiting, links: await linksOf(nodes) }, { waiting: [], links: open });
    },
    { limitMs: DRAIN_LIMIT_MS, everyMs: 50 },
  );
  const streams = await streamsOfNodes(nodes);
  assert.deepEqual(
    streams.filter(({ seq, acked, deadLetters }) => seq !== acked || deadLetters > 0),
    [],
  );
  const written = streams.filter(({ seq }) => seq > 0).map(({ stream, acked }) => `${stream} ${acked}`);
  const known = (await desk.nodes()).flatMap(({ node, agents }) =>
    agents.map(({ agent, cursor_seq: cursorSeq }) => `${node}/${agent} ${cursorSeq}`),
  );
  assert.deepEqual(known.toSorted(), written.toSorted());
  assert.deepEqual(await desk.deadLetters.list(), []);
}

/** Records that wait for the relay, over all agents of a node. */
export async function waitingRecords(node: Pick<Network['nodes'][number], 'admin'>): Promise<number> {
  return (await streamsOfNodes([node])).reduce((sum, { waiting }) => sum + waiting, 0);
}

async function linksOf(nodes: Network['nodes']): Promise<readonly { state: string; error: string | null }[]> {
  const statuses = await Promise.all(nodes.map(({ admin }) => admin.node.status()));
  return statuses.map(({ relay: { state, error } }) => ({ state, error }));
}

interface Stream {
  readonly stream: string;
  readonly seq: number;
  readonly acked: number;
  readonly waiting: number;
  readonly deadLetters: number;
  /** Where it stands and why: for whoever reads that it did not drain. */
  readonly sync: string;
}

async function streamsOfNodes(nodes: readonly Pick<Network['nodes'][number], 'admin'>[]): Promise<readonly Stream[]> {
  const statuses = await Promise.all(nodes.map(({ admin }) => admin.node.status()));
  return statuses.flatMap(({ node, agents }) =>
    agents.map(({ agent, seq, acked_seq: acked, outbox, dead_letters: deadLetters, ...rest }) => {
      const sync = [rest.sync, rest.sync_error].join(': ');
      return { stream: `${node}/${agent}`, seq, acked, waiting: outbox.records, deadLetters, sync };
    }),
  );
}

/** Which of the promises a ledger holds were broken, one line each. */
export function broken(ledger: Ledger, records: Records): readonly string[] {
  const { entries, undecidedBatches, answers } = ledger;
  const lost = [...entries].filter(([key, entry]) => !isKept(entry, records.get(key)));
  const unknown = [...records.keys()].filter((key) => !entries.has(key));
  const halves = undecidedBatches.filter((keys) => {
    const there = keys.filter((key) => records.has(key)).length;
    return there > 0 && there < keys.length;
  });
  const disordered = [...answers].filter(([, given]) => !isOrdered(given));
  return [
    ...lost.map(([key]) => `not as acknowledged: ${key}`),
    ...unknown.map((key) => `nobody wrote it: ${key}`),
    ...halves.map((keys) => `half a batch: ${keys.join(' ')}`),
    ...disordered.map(([owner]) => `a position given twice, or an older version after a newer one: ${owner}`),
  ];
}

function isKept({ acked, doubts }: Entry, stored: Stored | undefined): boolean {
  const text = stored?.doc ?? null;
  const isAcked = text === (acked?.text ?? null) && (stored === undefined || stored.version === acked?.version);
  if (isAcked) return true;
  return doubts.includes(text) && (stored === undefined || stored.version > (acked?.version ?? ''));
}

function isOrdered(answers: readonly Answer[]): boolean {
  const bySeq = answers.toSorted((one, other) => one.seq - other.seq);
  return bySeq.every(({ seq, version }, at) => {
    const before = bySeq[at - 1];
    return before === undefined || (seq > before.seq && version > before.version);
  });
}
