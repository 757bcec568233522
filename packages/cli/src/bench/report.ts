import { availableParallelism, cpus, totalmem } from 'node:os';

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
  /** By figure, the share of all cores that processes which are not ours took meanwhile. */
  readonly neighbours: Readonly<Record<string, number>>;
  readonly unmeasured: readonly Unmeasured[];
}

/** Where it was measured. */
interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memory_mb: number;
  readonly node: string;
}

/** What others may take of all cores before a figure is called noisy. The kernel's work for us is in it. */
const NOISY_SHARE = 0.15;

/** This machine, now. */
export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory_mb: Math.round(totalmem() / 1e6),
    node: process.version,
  };
}

/** The report as a table for people. */
export function reportText(report: Report): string {
  const { machine, readings, neighbours, unmeasured } = report;
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
  const noisy = Object.entries(neighbours).filter(([, share]) => share > NOISY_SHARE);
  if (noisy.length > 0) lines.push('', paint('yellow', noisyText(noisy)));
  return lines.join('\n');
}

function noisyText(noisy: readonly (readonly [name: string, share: number])[]): string {
  const shares = noisy.map(([name, share]) => `${name} ${(share * 100).toFixed(0)} %`).join(', ');
  return `Noisy: other processes took of the processor meanwhile: ${shares}. Measure again when it is quiet.`;
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

const digits: Readonly<Record<Unit, number>> = { ratio: 2, µs: 1, ms: 1, MB: 0, s: 2 };

function valueText(value: number, unit: Unit): string {
  return unit === 'ratio' ? value.toFixed(digits.ratio) : `${value.toFixed(digits[unit])} ${unit}`;
}
