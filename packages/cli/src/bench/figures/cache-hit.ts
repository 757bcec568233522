import { startBareServer } from '../bare-server.ts';
import type { Reading } from '../reading.ts';
import { compareRequests, type Load, type RateComparison, rateDetails } from '../request-rate.ts';
import { median } from '../rounds.ts';
import { sampleDocument, sampleNumber } from '../sample-document.ts';
import { startNode } from '../services.ts';
import { rateText } from '../wording.ts';
import type { Figure, Setting } from './figure.ts';

/** Values that the reads go round; all of them are in memory. */
const VALUES = 1000;

/** Cached values that are found in memory, against a bare server that answers a fixed text of the same size. */
export const cacheHit: Figure = {
  name: 'cache.hit',
  help: 'cached values found in memory/s at 64 connections, over a bare Hono GET',
  measure: measureCacheHit,
};

async function measureCacheHit(setting: Setting): Promise<Reading[]> {
  const bare = await startBareServer(setting.surroundings);
  const node = await startNode(setting.surroundings, { name: 'cache-hit' });
  try {
    const { token } = await node.client.agents.create('reader');
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    for (let index = 0; index < VALUES; index += 1) {
      const target = `${node.url}/v1/cache/${sampleNumber(index)}?ttl=86400`;
      await fetch(target, { method: 'PUT', headers, body: sampleDocument(1) });
    }
    const reference = { url: bare.url, pid: bare.process.pid, tokens: [token] };
    const subject = { url: node.url, pid: node.pid, tokens: [token] };
    const load = (path: string) => (): Load => ({ kind: 'get', path, prefix: '', records: VALUES });
    const comparison = await compareRequests(
      setting,
      { reference: async () => reference, subject: async () => subject },
      { reference: load('/v1/records/load/'), subject: load('/v1/cache/') },
    );
    return [readingOf(comparison)];
  } finally {
    await Promise.all([node.client.close(), node.stop(), bare.process.stop()]);
  }
}

function readingOf({ ratio, rounds, reference, subject }: RateComparison): Reading {
  return {
    name: cacheHit.name,
    value: ratio,
    unit: 'ratio',
    target: { kind: 'at-least', value: 0.9 },
    measured: rateText(median(subject.map(({ perSecond }) => perSecond)), 'hits'),
    reference: `bare Hono ${rateText(median(reference.map(({ perSecond }) => perSecond)), 'answers')}`,
    details: { rounds, subject: rateDetails(subject), reference: rateDetails(reference) },
  };
}
