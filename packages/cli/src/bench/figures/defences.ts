import type { DefenceCost, DefencePlan, DefenceResult } from '../defence-plan.ts';
import type { Reading } from '../reading.ts';
import type { Figure, Setting } from './figure.ts';

const LOG_BYTES = 67_108_864;
const MEGABYTE = 1e6;

/** What the defences against faults cost where they stand on the way of every write, start or file. */
export const defences: Figure = {
  name: 'defences',
  help: 'what seals, digests, the scan of a 64 MiB log and the check of a file take',
  measure: measureDefences,
};

async function measureDefences({ surroundings, scale }: Setting): Promise<Reading[]> {
  const plan: DefencePlan = {
    directory: surroundings.directory,
    records: scale.checkedRecords,
    logBytes: LOG_BYTES,
  };
  const { sealUs, digestUs, logScanMs, checkMs } = await surroundings.run<DefenceResult>('defences', plan);
  return [
    readingOf({ name: 'seal', cost: sealUs, unit: 'µs', what: 'a transaction', reference: 'durable commit' }),
    readingOf({ name: 'digest', cost: digestUs, unit: 'µs', what: 'a record', reference: 'content hash' }),
    readingOf({
      name: 'log-scan',
      cost: logScanMs,
      unit: 'ms',
      what: `a log of ${megabytes(logScanMs.bytes)}`,
      reference: 'reading it',
    }),
    readingOf({
      name: 'check',
      cost: checkMs,
      unit: 'ms',
      what: `a file of ${megabytes(checkMs.bytes)}`,
      reference: 'integrity_check',
    }),
  ];
}

interface Part {
  readonly name: string;
  readonly cost: DefenceCost;
  readonly unit: 'µs' | 'ms';
  readonly what: string;
  readonly reference: string;
}

function readingOf({ name, cost, unit, what, reference }: Part): Reading {
  const text = (value: number): string => `${value.toFixed(1)} ${unit}`;
  return {
    name: `${defences.name}.${name}`,
    value: cost.defence,
    unit,
    target: null,
    measured: `${text(cost.defence)} ${what}`,
    reference: `${reference} ${text(cost.reference)}`,
    details: { ...cost },
  };
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / MEGABYTE)} MB`;
}
