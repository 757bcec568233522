import type { Account } from '../account.ts';
import type { Network } from '../network.ts';
import { readAgents } from '../stored.ts';
import { pause, until } from '../waiting.ts';

const HURRY_MS = 800;
const NOTICE_LIMIT_MS = 15_000;

/** Kills a node while its agents write as fast as they can, starts it again and looks for every acknowledged write. */
export async function killNode(network: Network, node: string): Promise<Account['node_kill']> {
  const { stage, crew, ledger, signal, agents } = network;
  const service = stage.node(node);
  crew.hurry(node);
  await pause(HURRY_MS, signal);
  crew.expectOutage(node);
  await service.stop('SIGKILL');
  const evidence = (): string => service.logTail();
  const wait = { what: 'the agents to notice the kill', limitMs: NOTICE_LIMIT_MS, signal, evidence };
  const unanswered = await until(wait, async () => crew.unanswered(node));
  const readyMs = await service.start();
  const stored = await readAgents(agents.filter((agent) => agent.node === node));
  const { writes, lost } = ledger.check(stored, node);
  crew.resume(node);
  return {
    node,
    acknowledged_writes: writes,
    unanswered_writes: unanswered,
    lost_records: lost.length,
    ready_ms: Math.round(readyMs),
  };
}
