import { countText } from '../wording.ts';

/** A rate for people: `21,998 writes/s`. */
export function rateText(perSecond: number, what: string): string {
  return `${countText(Math.round(perSecond))} ${what}/s`;
}
