import type { ErrorCode } from '@holdfast/protocol';

/** How a command ends that did what it could, when something is missing from what came of it. */
export const INCOMPLETE_EXIT = 3;

/** How a command ends: 1 failed, 2 wrong usage. */
export type FailureExit = 1 | 2;

/** A command could not be carried out for a reason outside the services: wrong usage, a missing file, no terminal. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** What the person at the terminal does about it. */
  readonly remedy: string;
  readonly exitCode: FailureExit;
  /** What programs tell it by: of the catalogue, where a service said one. */
  readonly code: ErrorCode | 'usage' | 'command-failed';

  constructor(message: string, remedy: string, exitCode: FailureExit = 1, code?: ErrorCode) {
    super(message);
    this.remedy = remedy;
    this.exitCode = exitCode;
    this.code = code ?? (exitCode === 2 ? 'usage' : 'command-failed');
  }
}
