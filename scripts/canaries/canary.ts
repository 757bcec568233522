import type { WorkspaceCopy } from './copy.ts';

/** A violation put into a copy of the workspace, which its gate must name. */
export interface Canary {
  /** The gate's name. */
  readonly gate: string;
  readonly violation: string;
  /** Puts the violation in. */
  seed(copy: WorkspaceCopy): void | Promise<void>;
  /** Each of these must be found among the gate's problems. */
  readonly expected: readonly RegExp[];
}

/** Text that a gate forbids, written with bars so that the gate does not find it here. */
export function disguised(text: string): string {
  return text.replaceAll('|', '');
}
