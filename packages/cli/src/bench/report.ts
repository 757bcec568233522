import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

import { paint } from '../output.ts';
import { renderTable } from '../table.ts';
import { NOTHING } from '../wording.ts';
import { meetsTarget, type Reading, type Unit } from './reading.ts';

/** A figure that could not be measured, and why. */
export interface Unmeasured {
  readonly name: string;
  readonly reason: string;
}

/** What a run of the bench found; the JSON file is this. */
export interface Report {
  readonly version: string;
  readonly at: string;
  readonly quick: boolean;
  readonly machine: Machine;
  readonly readings: readonly Reading[];
  readonly unmeasured: readonly Unmeasured[];
}

/** Where it was measured. */
interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memory_mb: number;
  readonly node: string;
  /** Processes that wanted to run, mean of the last minute, before the bench began: figures of a busy machine are noisy. */
  readonly load_before: number;
}

/** A load from which on the neighbours are felt in the figures, as a share of the cores. */
const BUSY_SHARE = 0.25;

/** This machine, now. */
export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory_mb: Math.round(totalmem() / 1e6),
    node: process.version,
    load_before: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

/** The report as a table for people. */
export function reportText(report: Report): string {
  const { machine, readings, unmeasured } = report;
  const lines = [
    paint('dim', `${machine.processor}, ${machine.cores} cores, Node ${machine.node}${report.quick ? ', quick' : ''}`),
    '',
    renderTable(
      [
        { title: 'figure' },
        { title: 'measured', align: 'right' },
        { title: 'reference', align: 'right' },
        { title: 'value', align: 'right' },
        { title: 'target', align: 'right' },
        { title: '' },
      ],
      readings.map(rowOf),
    ),
  ];
  for (const { name, reason } of unmeasured) lines.push('', paint('red', `${name} was not measured: ${reason}`));
  if (machine.load_before > BUSY_SHARE * machine.cores) {
    lines.push(
      '',
      paint('yellow', `The machine was busy (load ${machine.load_before}): measure again when it is quiet.`),
    );
  }
  return lines.join('\n');
}

function rowOf(reading: Reading): string[] {
  const { name, measured, reference, value, unit, target } = reading;
  return [
    name,
    measured,
    reference ?? NOTHING,
    valueText(value, unit),
    target === null ? NOTHING : `${target.kind === 'at-least' ? '≥' : '≤'} ${valueText(target.value, unit)}`,
    verdictText(reading),
  ];
}

function verdictText(reading: Reading): string {
  const meets = meetsTarget(reading);
  if (meets === null) return '';
  return meets ? paint('green', '✓ met') : paint('red', '✗ missed');
}

const digits: Readonly<Record<Unit, number>> = { ratio: 2, ms: 1, MB: 0, s: 2 };

function valueText(value: number, unit: Unit): string {
  return unit === 'ratio' ? value.toFixed(digits.ratio) : `${value.toFixed(digits[unit])} ${unit}`;
}
