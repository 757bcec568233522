/** What a figure is measured in; a ratio is the subject's rate over the reference's. */
export type Unit = 'ratio' | 'µs' | 'ms' | 'MB' | 's';

/** What a figure should be. */
export interface Target {
  readonly kind: 'at-least' | 'at-most';
  readonly value: number;
}

/** One measured figure: a line of the table, an entry of the JSON file. */
export interface Reading {
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  /** Null: reported only. */
  readonly target: Target | null;
  /** What was measured, in its own unit: `21,998 writes/s`. */
  readonly measured: string;
  /** What it is compared with, likewise; null when there is no reference. */
  readonly reference: string | null;
  /** Everything behind the value: each round, processor shares, counts. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Whether a reading is what it should be; null without a target. */
export function meetsTarget({ value, target }: Reading): boolean | null {
  if (target === null) return null;
  return target.kind === 'at-least' ? value >= target.value : value <= target.value;
}
