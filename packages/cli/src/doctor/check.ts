/** How a check came out. */
export type Level = 'ok' | 'warn' | 'fail';

/** What one check found. */
export interface Finding {
  readonly check: string;
  readonly level: Level;
  /** What is the case. */
  readonly detail: string;
  /** What to do about it; empty when all is well. */
  readonly remedy: string;
}

/** A finding without fault. */
export function ok(check: string, detail: string): Finding {
  return { check, level: 'ok', detail, remedy: '' };
}

/** A finding that works today and may not tomorrow. */
export function warn(check: string, detail: string, remedy: string): Finding {
  return { check, level: 'warn', detail, remedy };
}

/** A finding that has to be mended. */
export function fail(check: string, detail: string, remedy: string): Finding {
  return { check, level: 'fail', detail, remedy };
}
