import assert from 'node:assert/strict';

import { eventually, seededRandom } from '@holdfast/testkit';

import { expectDrained, waitingRecords } from '../../harness/conservation.ts';
import { startNetwork } from '../../harness/network.ts';
import { differencesNow } from '../../harness/stored.ts';
import { sampleDocument } from '../../harness/documents.ts';
import { type FaultCase, type FaultPlan, type Findings, Tally } from '../fault-case.ts';

const LINES = 1000;
const DRAIN_LIMIT_MS = 600_000;

/** Records written while the relay could not be reached, sent when it can be again. */
export const backlog: FaultCase = {
  name: 'backlog',
  promise: 'what was written during a partition is drained when it ends, and both sides hold the same',
  full: 100_000,
  slice: 3000,
  needs: [],
  run: drain,
};

async function drain({ cases, seed, progress }: FaultPlan): Promise<Findings> {
  await using network = await startNetwork({ nodes: { n: ['ada', 'ben', 'cyd', 'dov'] } });
  const tally = new Tally();
  const random = seededRandom(seed);
  network.proxy.set({ kind: 'refuse' });
  for (let written = 0; written < cases; written += LINES) {
    const agent = network.agents[(written / LINES) % network.agents.length];
    assert(agent);
    const operations = Array.from({ length: LINES }, (_, n) => {
      return { op: 'put', collection: 'notes', id: `r-${written + n}`, doc: sampleDocument(random, n) } as const;
    });
    const { written: stored } = await agent.client.stream(operations);
    tally.count('records', stored);
  }
  const { node } = network.node('n').admin;
  tally.note('records waiting', await waitingRecords(network.node('n')));
  progress('the partition ends');
  tally.fire('connections refused', network.proxy.fired.refuse);
  const startedAtMs = performance.now();
  network.proxy.heal();
  await eventually(async () => assert.equal(await waitingRecords(network.node('n')), 0), { limitMs: DRAIN_LIMIT_MS });
  tally.note('ms to drain, with the rest of the back-off', Math.round(performance.now() - startedAtMs));
  await expectDrained(network);
  tally.violate('contents', await differencesNow(network));
  const { agents } = await node.status();
  const different = agents.filter(({ digest }) => digest !== 'equal');
  tally.note('streams whose digest is equal', agents.length - different.length);
  tally.violate(
    'digests',
    different.map(({ agent, digest }) => `${agent}: ${digest}`),
  );
  return tally.findings();
}
