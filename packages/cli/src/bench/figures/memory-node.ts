import { setTimeout as sleep } from 'node:timers/promises';

import { CommandError } from '../../command-error.ts';
import { countText } from '../../wording.ts';
import { residentMegabytes } from '../processor.ts';
import type { Reading } from '../reading.ts';
import { sampleNumber } from '../sample-document.ts';
import { sampleLine } from '../sample-rows.ts';
import { startNode } from '../services.ts';
import type { Figure, Setting } from './figure.ts';

/** Time to come to rest before memory is read. */
const SETTLE_MS = 2000;

/** Memory of a daemon that does nothing, and of one with many agents. */
export const memoryNode: Figure = {
  name: 'memory.node',
  help: 'resident memory of the daemon: idle, and with 500 agents and 200,000 records',
  measure: measureMemoryNode,
};

async function measureMemoryNode({ surroundings, scale }: Setting): Promise<Reading[]> {
  const { memoryAgents: agents, memoryRecordsEach: recordsEach } = scale;
  const node = await startNode(surroundings, { name: 'memory' });
  try {
    await sleep(SETTLE_MS);
    const idle = residentMegabytes(node.pid);
    const body = Array.from({ length: recordsEach }, (_, index) => `${sampleLine(index)}\n`).join('');
    for (let index = 0; index < agents; index += 1) {
      const { token } = await node.client.agents.create(`agent-${sampleNumber(index)}`);
      await fill(node.url, token, body);
    }
    await sleep(SETTLE_MS);
    const full = residentMegabytes(node.pid);
    const what = `${countText(agents)} agents, ${countText(agents * recordsEach)} records`;
    return [readingOf('idle', idle, 120, 'idle'), readingOf('full', full, 350, what)];
  } finally {
    await node.client.close();
    await node.stop();
  }
}

/** The same rows for every agent, as one NDJSON batch. */
async function fill(url: string, token: string, body: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' };
  const answer = await fetch(`${url}/v1/batch`, { method: 'POST', headers, body });
  const end = (await answer.text()).trimEnd().split('\n').at(-1) ?? '';
  const lines = body.split('\n').length - 1;
  if (!end.endsWith(`"written":${lines}}`)) throw new CommandError(`a batch ended in ${end}`, 'Nothing was measured.');
}

function readingOf(state: string, memory: { now: number; peak: number }, targetMb: number, what: string): Reading {
  return {
    name: `${memoryNode.name}.${state}`,
    value: memory.now,
    unit: 'MB',
    target: { kind: 'at-most', value: targetMb },
    measured: `${memory.now.toFixed(0)} MB`,
    reference: null,
    details: { what, peak_mb: memory.peak },
  };
}
