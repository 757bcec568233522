import { connect, type Holdfast } from '@holdfast/client';

import { CANDIDATES, candidatesDeclaration } from '../candidates.ts';
import type { Reading } from '../reading.ts';
import { compareRequests, type LoadTarget, rateDetails } from '../request-rate.ts';
import { median } from '../rounds.ts';
import { type BenchService, startNode } from '../services.ts';
import { rateText } from '../wording.ts';
import type { Figure, Setting } from './figure.ts';

/** Single writes to a collection that declares fields, four indexes and words, against the same into a free-form one. */
export const writeValidated: Figure = {
  name: 'write.validated',
  help: 'single-record PUT/s into a declared collection with 4 indexes and search, over a free-form one',
  measure: measureWriteValidated,
};

async function measureWriteValidated(setting: Setting): Promise<Reading[]> {
  const node = await startNode(setting.surroundings, { name: 'write-validated' });
  try {
    const targets = {
      reference: (round: number) => targetOf(node, `free-form-${round}`, false),
      subject: (round: number) => targetOf(node, `declared-${round}`, true),
    };
    const comparison = await compareRequests(setting, targets, (round) => ({
      kind: 'put',
      path: `/v1/records/${CANDIDATES}/`,
      prefix: `w${round}-`,
      records: 0,
      document: 'candidate',
    }));
    const { ratio, rounds, reference, subject } = comparison;
    return [
      {
        name: writeValidated.name,
        value: ratio,
        unit: 'ratio',
        target: { kind: 'at-least', value: 0.6 },
        measured: rateText(median(subject.map(({ perSecond }) => perSecond)), 'writes'),
        reference: `free-form ${rateText(median(reference.map(({ perSecond }) => perSecond)), 'writes')}`,
        details: { rounds, subject: rateDetails(subject), reference: rateDetails(reference) },
      },
    ];
  } finally {
    await Promise.all([node.client.close(), node.stop()]);
  }
}

/** An agent of its own for each round and side: each begins with an empty file. */
async function targetOf(node: BenchService<Holdfast>, name: string, isDeclared: boolean): Promise<LoadTarget> {
  const { token } = await node.client.agents.create(name);
  if (isDeclared) {
    await using agent = connect({ url: node.url, token });
    await agent.collections.declare(CANDIDATES, candidatesDeclaration);
  }
  return { url: node.url, pid: node.pid, tokens: [token] };
}
