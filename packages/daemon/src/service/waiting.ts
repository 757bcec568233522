import type { WaitingChanges } from '@holdfast/protocol';
import type { AgentFiles } from '@holdfast/store';

import type { Agents } from './agents.ts';
import type { FileCustody } from './file-custody.ts';

/**
 * What waits to be sent of all agents, for the relay to tell how fresh its answers are; undefined until every file was
 * opened once. Opens none.
 */
export function waitingChanges(
  agents: Agents,
  files: AgentFiles,
  custody: Pick<FileCustody, 'stateOf'>,
): WaitingChanges[] | undefined {
  const waiting: WaitingChanges[] = [];
  for (const agent of agents.names) {
    const isServing = custody.stateOf(agent) === 'ok';
    const counters = files.counters(agent);
    if (!isServing) waiting.push({ agent, seq: 0, changes: null });
    else if (counters === undefined) return undefined;
    else if (counters.outbox > 0) waiting.push({ agent, seq: counters.lastSeq, changes: counters.outbox });
  }
  return waiting;
}
