import { connect } from '@holdfast/client';
import type { JsonObject } from '@holdfast/protocol';

import { startPair } from '../pair.ts';
import type { Reading } from '../reading.ts';
import { quantile } from '../rounds.ts';
import { sampleDocument } from '../sample-document.ts';
import { timeVisibility } from '../visible.ts';
import type { Figure, Setting } from './figure.ts';

const COLLECTION = 'visible';

/** The way of a write from its request to the relay's query. */
export const syncVisible: Figure = {
  name: 'sync.visible',
  help: "time from sending a write until the relay's query shows it, light load",
  measure: async (setting) => {
    const delaysMs = await timeToRelay(setting);
    return [readingOf(delaysMs, 0.5, 10), readingOf(delaysMs, 0.99, 50)];
  },
};

/** Milliseconds from sending a write to the daemon until the relay's query shows it, for each of many writes. */
export async function timeToRelay({ surroundings, scale }: Setting): Promise<readonly number[]> {
  const pair = await startPair(surroundings, 'visible');
  try {
    const { token } = await pair.node.client.agents.create('writer');
    await using agent = connect({ url: pair.node.url, token });
    const collection = agent.collection(COLLECTION);
    // The relay knows a collection from the first record of it that arrives.
    await collection.put('first', {}, { ack: 'relay' });
    return await timeVisibility(scale.visibleWrites, {
      write: (index) => collection.put(`v-${index}`, JSON.parse(sampleDocument(index)) as JsonObject),
      isThere: async (index) => {
        const query = { collection: COLLECTION, where: { id: `v-${index}` }, limit: 1 };
        return (await pair.relay.client.query(query)).records.length > 0;
      },
    });
  } finally {
    await pair.stop();
  }
}

function readingOf(delaysMs: readonly number[], share: number, targetMs: number): Reading {
  const delayMs = quantile(delaysMs, share);
  return {
    name: `${syncVisible.name}.p${share * 100}`,
    value: delayMs,
    unit: 'ms',
    target: { kind: 'at-most', value: targetMs },
    measured: `${delayMs.toFixed(1)} ms`,
    reference: null,
    details: { writes: delaysMs.length, least_ms: quantile(delaysMs, 0), most_ms: quantile(delaysMs, 1) },
  };
}
