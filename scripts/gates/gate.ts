/** What a gate found. */
export interface Findings {
  /** How many things were looked at: files, tests, canaries. None means that the gate saw nothing and fails. */
  readonly examined: number;
  /** Each problem on one line, naming the place. */
  readonly problems: readonly string[];
}

/** One check of the whole workspace. */
export interface Gate {
  readonly name: string;
  /** What it makes sure of, for `--help`. */
  readonly summary: string;
  /** Heavy gates use every core by themselves and run one after the other. */
  readonly load: 'light' | 'heavy';
  /** Checks the workspace in the folder `root`. An error thrown counts as a problem. */
  run(root: string): Promise<Findings>;
}

/** What came of a gate. */
export interface Outcome extends Findings {
  readonly gate: string;
  readonly elapsedMs: number;
}

/** Runs a gate. One that throws or looks at nothing has a problem, never a pass. */
export async function runGate(gate: Gate, root: string): Promise<Outcome> {
  const startedAt = performance.now();
  const findings = await gate.run(root).catch((error: unknown) => ({ examined: 0, problems: [String(error)] }));
  const problems = findings.examined === 0 && findings.problems.length === 0 ? ['examined nothing'] : findings.problems;
  return { gate: gate.name, examined: findings.examined, problems, elapsedMs: performance.now() - startedAt };
}
