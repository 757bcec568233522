import { writeBulk } from '../bulk-write.ts';
import type { Reading } from '../reading.ts';
import { compareRequests, type Load, type RateComparison, rateDetails } from '../request-rate.ts';
import { median } from '../rounds.ts';
import { startNode } from '../services.ts';
import { rateText } from '../wording.ts';
import type { Figure, Setting } from './figure.ts';

/** Keys and records that the reads go round. */
const RECORDS = 10_000;

/** Reads of shared context against reads of an agent's own records, on one node. */
export const contextGet: Figure = {
  name: 'context.get',
  help: 'GET/s of shared context at 64 connections, over those of an agent’s own records',
  measure: measureContextGet,
};

async function measureContextGet(setting: Setting): Promise<Reading[]> {
  const node = await startNode(setting.surroundings, { name: 'context-get' });
  try {
    const { token } = await node.client.agents.create('reader');
    const plan = { url: node.url, token, rows: RECORDS };
    await writeBulk(setting.surroundings, plan);
    await writeBulk(setting.surroundings, { ...plan, kind: 'context' });
    const target = async () => ({ url: node.url, pid: node.pid, tokens: [token] });
    const load = (path: string) => (): Load => ({ kind: 'get', path, prefix: '', records: RECORDS });
    const loads = { reference: load('/v1/records/load/'), subject: load('/v1/context/') };
    return [readingOf(await compareRequests(setting, { reference: target, subject: target }, loads))];
  } finally {
    await Promise.all([node.client.close(), node.stop()]);
  }
}

function readingOf({ ratio, rounds, reference, subject }: RateComparison): Reading {
  return {
    name: contextGet.name,
    value: ratio,
    unit: 'ratio',
    target: { kind: 'at-least', value: 0.9 },
    measured: rateText(median(subject.map((rate) => rate.perSecond)), 'reads'),
    reference: `own records ${rateText(median(reference.map((rate) => rate.perSecond)), 'reads')}`,
    details: { rounds, subject: rateDetails(subject), reference: rateDetails(reference) },
  };
}
