import { connect, type Holdfast } from '@holdfast/client';

import { CommandError } from '../../command-error.ts';
import { writeBulk } from '../bulk-write.ts';
import type { Reading } from '../reading.ts';
import {
  compareRequests,
  type Load,
  type LoadTarget,
  type RateComparison,
  rateDetails,
  type RequestRate,
} from '../request-rate.ts';
import { median } from '../rounds.ts';
import { type BenchService, startNode } from '../services.ts';
import { rateText } from '../wording.ts';
import type { Figure, Setting } from './figure.ts';

const WORKERS = 32;

/** Claims of tasks by many workers at once, against single writes by as many connections. */
export const tasksClaim: Figure = {
  name: 'tasks.claim',
  help: `claims/s of ${WORKERS} workers, none given twice, over single-record PUT/s at as many connections`,
  measure: measureTasksClaim,
};

async function measureTasksClaim(setting: Setting): Promise<Reading[]> {
  const node = await startNode(setting.surroundings, { name: 'tasks-claim' });
  try {
    const reference = (round: number): Promise<LoadTarget> => targetOf(node, `writer-${round}`);
    const commanders: LoadTarget[] = [];
    const subject = async (round: number): Promise<LoadTarget> => {
      const target = await targetOf(node, `commander-${round}`);
      const [token = ''] = target.tokens;
      await writeBulk(setting.surroundings, { url: node.url, token, rows: setting.scale.tasks, kind: 'task' });
      commanders.push(target);
      return target;
    };
    const comparison = await compareRequests(setting, { reference, subject }, { reference: writes, subject: claims });
    for (const [round, target] of commanders.entries()) await assertOnce(target, comparison.subject[round], setting);
    return [readingOf(comparison)];
  } finally {
    await Promise.all([node.client.close(), node.stop()]);
  }
}

async function targetOf(node: BenchService<Holdfast>, name: string): Promise<LoadTarget> {
  const { token } = await node.client.agents.create(name);
  return { url: node.url, pid: node.pid, tokens: [token] };
}

function writes(round: number): Load {
  return { kind: 'put', path: '/v1/records/load/', prefix: `w${round}-`, records: 0, connections: WORKERS };
}

function claims(): Load {
  return { kind: 'post', path: '/v1/claims', prefix: '', records: 0, bodies: ['{}'], connections: WORKERS };
}

/** Throws unless as many tasks are claimed as claims were made: one that was given twice would be one too few. */
async function assertOnce(
  { url, tokens }: LoadTarget,
  rate: RequestRate | undefined,
  { scale }: Setting,
): Promise<void> {
  await using commander = connect({ url, token: tokens[0] });
  const [group] = await commander
    .collection('tasks')
    .aggregate({ where: { status: 'assigned' }, aggregate: { metrics: { claimed: { count: '*' } } } });
  const claimed = Number(group?.['claimed']);
  const made = rate?.requestsWithWarmUp ?? NaN;
  // What was under way when the time was over may or may not have been carried out.
  if (claimed < scale.tasks && claimed <= made && claimed >= made - WORKERS) return;
  throw new CommandError(
    `${made} claims were made, and ${claimed} of ${scale.tasks} tasks are claimed`,
    'Report this.',
  );
}

function readingOf({ ratio, rounds, reference, subject }: RateComparison): Reading {
  return {
    name: tasksClaim.name,
    value: ratio,
    unit: 'ratio',
    target: { kind: 'at-least', value: 0.5 },
    measured: rateText(median(subject.map(({ perSecond }) => perSecond)), 'claims'),
    reference: `single ${rateText(median(reference.map(({ perSecond }) => perSecond)), 'writes')}`,
    details: { rounds, subject: rateDetails(subject), reference: rateDetails(reference) },
  };
}
