import { stripVTControlCharacters } from 'node:util';

import { paint } from '../output.ts';

const TITLE_WIDTH = 32;
const NARROW_COLUMNS = 80;

/** One step of the demo: what it does and how its line reads. */
export interface Step<Result> {
  readonly title: string;
  /** `show` tells how far it is, on a terminal only. */
  readonly work: (show: (progress: string) => void) => Promise<Result>;
  readonly figure: (result: Result) => string;
  /** Whether the result is as it should be. Default: always. */
  readonly holds?: (result: Result) => boolean;
}

/** The account as it grows: one line for each step. Silent with `--json`. */
export class Screen {
  readonly #isSilent: boolean;

  constructor(isSilent: boolean) {
    this.#isSilent = isSilent;
  }

  /** Prints a line. */
  line(text = ''): void {
    if (!this.#isSilent) process.stdout.write(`${text}\n`);
  }

  /** Carries out a step. What its work throws is thrown, after its line was marked as failed. */
  async step<Result>({ title, work, figure, holds }: Step<Result>): Promise<Result> {
    this.#show(title, '');
    try {
      const result = await work((progress) => this.#show(title, progress));
      const isGood = holds?.(result) ?? true;
      this.#settle(isGood ? paint('green', '✓') : paint('red', '✗'), title, figure(result));
      return result;
    } catch (error) {
      this.#settle(paint('red', '✗'), title, '');
      throw error;
    }
  }

  /** The line of a step under way: written over by the next. */
  #show(title: string, progress: string): void {
    if (this.#isSilent || !process.stdout.isTTY) return;
    const line = stripVTControlCharacters(`  … ${title.padEnd(TITLE_WIDTH)}${progress}`);
    process.stdout.write(`\r\x1b[K${paint('dim', line.slice(0, (process.stdout.columns || NARROW_COLUMNS) - 1))}`);
  }

  #settle(mark: string, title: string, figure: string): void {
    if (process.stdout.isTTY && !this.#isSilent) process.stdout.write('\r\x1b[K');
    this.line(`  ${mark} ${title.padEnd(TITLE_WIDTH)}${paint('dim', figure)}`.trimEnd());
  }
}

/** A share from 0 to 1 as a bar of twenty places. */
export function barOf(share: number): string {
  const full = Math.round(20 * Math.min(1, Math.max(0, share)));
  return '█'.repeat(full) + '░'.repeat(20 - full);
}
