import { type Account, spreadOf } from '../account.ts';
import { writeOnce } from '../crew.ts';
import type { Network } from '../network.ts';
import { until } from '../waiting.ts';
import { candidate } from '../workload.ts';

/** The first ones find the way warm up; they do not count. */
const WARM_UP_WRITES = 10;
const WRITES = 30;
const LIMIT_MS = 10_000;

/** Writes as the first agent, while all work, and asks the relay for each write until it shows. */
export async function measureVisible(network: Network): Promise<Account['visible']> {
  const delaysMs: number[] = [];
  for (let number = 0; number < WARM_UP_WRITES + WRITES; number += 1) {
    delaysMs.push(await visibleAfterMs(network, number));
  }
  return { writes: WRITES, ...spreadOf(delaysMs.slice(WARM_UP_WRITES)) };
}

async function visibleAfterMs({ agents, relay, ledger, signal, stage }: Network, number: number): Promise<number> {
  const [agent] = agents;
  if (agent === undefined) throw new Error('no agents');
  const key = { collection: 'candidates', id: `seen-${number}` };
  const query = { collection: key.collection, nodes: [agent.node], agents: [agent.agent], where: { id: key.id } };
  const sentAtMs = performance.now();
  await writeOnce(agent, { op: 'put', ...key, doc: candidate(number, 'new') }, ledger);
  const evidence = (): string => `${stage.node(agent.node).logTail()}\n${stage.relay.logTail()}`;
  const wait = { what: 'a write to show on the relay', limitMs: LIMIT_MS, everyMs: 0, signal, evidence };
  await until(wait, async () => (await relay.query(query)).records[0]);
  return performance.now() - sentAtMs;
}
