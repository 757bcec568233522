const steps: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** What stands in a table where there is nothing to say. */
export const NOTHING = '–';

/** A length of time for people, in its largest unit: `3 d`, `14 min`, `0 s`. */
export function durationText(seconds: number): string {
  const [size, unit] = steps.find(([least]) => seconds >= least) ?? [1, 's'];
  return `${Math.max(0, Math.floor(seconds / size))} ${unit}`;
}

/** How long ago a time was, or `never`. */
export function agoText(time: string | null, nowMs: number): string {
  return time === null ? 'never' : `${durationText((nowMs - Date.parse(time)) / 1000)} ago`;
}

/** A size for people, in powers of 1000 (IEC 80000-13 decimal prefixes): `1.2 MB`. */
export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step] ?? 'B'}`;
}

/** A count with thousands apart: `12,034`. */
export function countText(count: number): string {
  return count.toLocaleString('en-GB');
}

/** A count and its noun: `1 record`, `2 records`. */
export function countOf(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}
