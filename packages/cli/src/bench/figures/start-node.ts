import { writeBulk } from '../bulk-write.ts';
import { startPair, stopService } from '../pair.ts';
import type { Reading } from '../reading.ts';
import { median } from '../rounds.ts';
import { sampleNumber } from '../sample-document.ts';
import { startNode } from '../services.ts';
import type { Figure, Setting } from './figure.ts';

/** Records of each of the first agents: enough that files, not only names, are there. */
const RECORDS = 200;
const AGENTS_WITH_RECORDS = 10;

/** The start of an enrolled daemon with many agents, from the process's birth to a ready answer. */
export const startNodeFigure: Figure = {
  name: 'start.node',
  help: 'from starting the process to /readyz, with 100 agents',
  measure: measureStartNode,
};

async function measureStartNode({ surroundings, scale }: Setting): Promise<Reading[]> {
  const { node, relay } = await startPair(surroundings, 'start');
  try {
    for (let index = 0; index < scale.startAgents; index += 1) {
      const { token } = await node.client.agents.create(`agent-${sampleNumber(index)}`);
      const isFilled = index < AGENTS_WITH_RECORDS;
      if (isFilled) await writeBulk(surroundings, { url: node.url, token, rows: RECORDS });
      else await writeOne(node.url, token);
    }
    await stopService(node);
    const seconds: number[] = [];
    for (let round = 0; round < scale.rounds; round += 1) {
      const started = await startNode(surroundings, { name: 'start-node' });
      seconds.push(started.readyMs / 1000);
      await stopService(started);
    }
    return [readingOf(seconds, scale.startAgents)];
  } finally {
    await stopService(relay);
  }
}

async function writeOne(url: string, token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await fetch(`${url}/v1/records/load/1`, { method: 'PUT', headers, body: '{"n":1}' });
  await answer.arrayBuffer();
}

function readingOf(seconds: readonly number[], agents: number): Reading {
  return {
    name: startNodeFigure.name,
    value: median(seconds),
    unit: 's',
    target: { kind: 'at-most', value: 1 },
    measured: `${median(seconds).toFixed(2)} s`,
    reference: null,
    details: { agents, starts_s: seconds },
  };
}
