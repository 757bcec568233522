import type { Canary } from './canary.ts';

const PAGE = 'docs/invariants.md';
const FILE = 'packages/protocol/test/canary.test.ts';

/** A test file of a package. */
function testFile(...lines: readonly string[]): string {
  return ["import { expect, test } from 'vitest';", '', ...lines, ''].join('\n');
}

/** Canaries of the gates that read or run tests. */
export const testCanaries: readonly Canary[] = [
  {
    gate: 'test-names',
    violation: 'two tests of one name',
    seed: (copy) => copy.write(FILE, testFile("test('canary', () => {});", "test('canary', () => {});")),
    expected: [/^used twice: packages\/protocol\/test\/canary\.test\.ts: canary$/],
  },
  {
    gate: 'invariants',
    violation: 'an invariant without a test, one whose test is gone, a tagged test the page does not name',
    seed: (copy) => {
      copy.write(PAGE, `# Invariants\n\n98. Nobody tests this.\n99. Gone: \`${FILE}: no such test\`\n`);
      copy.write(FILE, testFile("test('[I99] canary', () => {});"));
    },
    expected: [/^I98: names no test$/, /^I99: no such test: .*no such test$/, /I99 does not name .*\[I99\] canary$/],
  },
  {
    gate: 'tests',
    violation: 'a test that fails, a fault test that fails, a test file that cannot be read',
    seed: async (copy) => {
      await copy.remove(/\.test\.ts$/);
      const failing = "test('the canary sings', () => expect(1).toBe(2));";
      copy.write(FILE, testFile(failing));
      copy.write('test/canary/canary.fault.test.ts', testFile(failing));
      copy.write('packages/store/test/canary.test.ts', "import './no-such-file.ts';\n");
    },
    expected: [
      /^packages\/protocol\/test\/canary\.test\.ts: the canary sings: AssertionError/,
      /^test\/canary\/canary\.fault\.test\.ts: the canary sings: AssertionError/,
      /^packages\/store\/test\/canary\.test\.ts: .*no-such-file/,
    ],
  },
  {
    gate: 'tests',
    violation: 'no failing test, but an error outside any',
    seed: async (copy) => {
      await copy.remove(/\.test\.ts$/);
      const lost = "test('passes', () => void Promise.reject(new Error('lost canary')));";
      copy.write(FILE, testFile(lost, "test('compares', () => expect(1).toBe(1));"));
    },
    expected: [/^vitest failed: [^]*Unhandled[^]*lost canary/],
  },
];
