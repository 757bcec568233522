/** How a command ends: 1 failed, 2 wrong usage. */
export type FailureExit = 1 | 2;

/** A command could not be carried out for a reason outside the services: wrong usage, a missing file, no terminal. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** What the person at the terminal does about it. */
  readonly remedy: string;
  readonly exitCode: FailureExit;

  constructor(message: string, remedy: string, exitCode: FailureExit = 1) {
    super(message);
    this.remedy = remedy;
    this.exitCode = exitCode;
  }
}
