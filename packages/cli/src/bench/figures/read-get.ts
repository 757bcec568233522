import { startBareServer } from '../bare-server.ts';
import { writeBulk } from '../bulk-write.ts';
import type { Reading } from '../reading.ts';
import { compareRequests, type RateComparison, rateDetails } from '../request-rate.ts';
import { median } from '../rounds.ts';
import { startNode } from '../services.ts';
import { rateText } from '../wording.ts';
import type { Figure, Setting } from './figure.ts';

/** Records that the reads go round. */
const RECORDS = 10_000;

/** Reads of single records against a bare server that answers a fixed text. */
export const readGet: Figure = {
  name: 'read.get',
  help: 'GET/s at 64 connections, over a bare Hono GET',
  measure: measureReadGet,
};

async function measureReadGet(setting: Setting): Promise<Reading[]> {
  const bare = await startBareServer(setting.surroundings);
  const node = await startNode(setting.surroundings, { name: 'read-get' });
  try {
    const { token } = await node.client.agents.create('reader');
    await writeBulk(setting.surroundings, { url: node.url, token, rows: RECORDS });
    const reference = { url: bare.url, pid: bare.process.pid, tokens: [token] };
    const subject = { url: node.url, pid: node.pid, tokens: [token] };
    const comparison = await compareRequests(
      setting,
      { reference: async () => reference, subject: async () => subject },
      () => ({
        kind: 'get',
        path: '/v1/records/load/',
        prefix: '',
        records: RECORDS,
      }),
    );
    return [readingOf(comparison)];
  } finally {
    await Promise.all([node.client.close(), node.stop(), bare.process.stop()]);
  }
}

function readingOf({ ratio, rounds, reference, subject }: RateComparison): Reading {
  return {
    name: readGet.name,
    value: ratio,
    unit: 'ratio',
    target: { kind: 'at-least', value: 0.7 },
    measured: rateText(median(subject.map((rate) => rate.perSecond)), 'reads'),
    reference: `bare Hono ${rateText(median(reference.map((rate) => rate.perSecond)), 'answers')}`,
    details: { rounds, subject: rateDetails(subject), reference: rateDetails(reference) },
  };
}
