import type { Canary } from './canary.ts';
import type { WorkspaceCopy } from './copy.ts';

/** A defence taken out, and the fault case that must notice. */
export interface FaultControl {
  /** Its name in `test/faults`. */
  readonly faultCase: string;
  /** The test of its slice. */
  readonly testFile: string;
  readonly violation: string;
  readonly needsRoot: boolean;
  /** Times the case is run to see how often it notices. */
  readonly cases: number;
  takeOut(copy: WorkspaceCopy): void;
}

/** Every control there is. */
export const faultControls: readonly FaultControl[] = [
  {
    faultCase: 'power-cut',
    testFile: 'test/faults/power-cut.fault.test.ts',
    violation: 'commits that are not synced (synchronous=NORMAL)',
    needsRoot: true,
    cases: 50,
    takeOut: (copy) =>
      copy.edit('packages/sqlite/src/open.ts', "['synchronous', 'FULL', 2]", "['synchronous', 'NORMAL', 1]"),
  },
  {
    faultCase: 'mutants',
    testFile: 'test/faults/mutants.fault.test.ts',
    violation: 'write-ahead logs opened without being read first',
    needsRoot: false,
    cases: 1000,
    takeOut: (copy) => copy.edit('packages/store/src/agent-files.ts', "scan.state === 'rotten'", 'scan.bytes < 0'),
  },
];

/** Canaries of the fault cases: with a defence taken out, the slice in `npm test` is red. */
export const faultCanaries: readonly Canary[] = faultControls.filter(isPossible).map((control) => ({
  gate: 'tests',
  violation: control.violation,
  seed: async (copy) => {
    const others = control.testFile.replaceAll('.', String.raw`\.`).replaceAll('/', String.raw`\/`);
    await copy.remove(new RegExp(`^(?!${others}$).*\\.test\\.ts$`));
    control.takeOut(copy);
  },
  expected: [new RegExp(`^${control.testFile}: .*violations`)],
}));

/** Mounting file systems takes root: elsewhere that control cannot be tried. */
export function isPossible({ needsRoot }: FaultControl): boolean {
  return !needsRoot || process.getuid?.() === 0;
}
