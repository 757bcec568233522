import { startBareServer } from '../bare-server.ts';
import type { Reading } from '../reading.ts';
import {
  compareRequests,
  type Load,
  type LoadTarget,
  measureRequests,
  type RateComparison,
  rateDetails,
} from '../request-rate.ts';
import { median } from '../rounds.ts';
import { type BenchService, startNode } from '../services.ts';
import { rateText } from '../wording.ts';
import type { Figure, Setting } from './figure.ts';
import type { Holdfast } from '@holdfast/client';

/** Agents of the second reading: files of their own, and so commits of their own. */
const SEVERAL_AGENTS = 8;

/** Durable single-record writes against a bare server that parses and answers. */
export const writeSingle: Figure = {
  name: 'write.single',
  help: 'durable single-record PUT/s at 64 connections, over a bare Hono PUT',
  measure: measureWriteSingle,
};

async function measureWriteSingle(setting: Setting): Promise<Reading[]> {
  const bare = await startBareServer(setting.surroundings);
  const node = await startNode(setting.surroundings, { name: 'write-single' });
  try {
    // An agent of its own for each round: every round begins with an empty file.
    const subject = (round: number): Promise<LoadTarget> => targetOf(node, [`round-${round}`]);
    const reference = { url: bare.url, pid: bare.process.pid, tokens: [node.adminToken] };
    const comparison = await compareRequests(setting, { reference: async () => reference, subject }, writesOf);
    const names = Array.from({ length: SEVERAL_AGENTS }, (_, index) => `agent-${index}`);
    const several = await measureRequests(setting, await targetOf(node, names), writesOf(0));
    return [readingOf(comparison, { several_agents: rateDetails([several]) })];
  } finally {
    await Promise.all([node.client.close(), node.stop(), bare.process.stop()]);
  }
}

async function targetOf(node: BenchService<Holdfast>, names: readonly string[]): Promise<LoadTarget> {
  const tokens = [];
  for (const name of names) tokens.push((await node.client.agents.create(name)).token);
  return { url: node.url, pid: node.pid, tokens };
}

function writesOf(round: number): Load {
  return { kind: 'put', path: '/v1/records/load/', prefix: `w${round}-`, records: 0 };
}

function readingOf({ ratio, rounds, reference, subject }: RateComparison, further: Reading['details']): Reading {
  return {
    name: writeSingle.name,
    value: ratio,
    unit: 'ratio',
    target: { kind: 'at-least', value: 0.5 },
    measured: rateText(median(subject.map((rate) => rate.perSecond)), 'writes'),
    reference: `bare Hono ${rateText(median(reference.map((rate) => rate.perSecond)), 'answers')}`,
    details: { rounds, subject: rateDetails(subject), reference: rateDetails(reference), ...further },
  };
}
