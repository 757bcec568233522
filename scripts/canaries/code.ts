import { type Canary, disguised } from './canary.ts';

const DOC = '/** Seeded. */\n';

/** A function of that many lines. */
function longFunction(lines: number): string {
  return `${DOC}export function long(): number {\n  let sum = 0;\n${'  sum += 1;\n'.repeat(lines - 4)}  return sum;\n}\n`;
}

/** Canaries of the gates that read code: format, lint, types, cycles, dead code. */
export const codeCanaries: readonly Canary[] = [
  {
    gate: 'format',
    violation: 'a badly set file in a package',
    seed: (copy) => copy.write('packages/store/src/canary.ts', 'export   const canary="x"'),
    expected: [/^packages\/store\/src\/canary\.ts: not formatted$/],
  },
  {
    gate: 'lint',
    violation: 'a promise nobody waits for, any, a cycle, too long, too many parameters, console, a bad file name',
    seed: (copy) => {
      copy.write(
        'packages/store/src/canary-float.ts',
        `${DOC}export function go(): void {\n  Promise.resolve(1);\n}\n`,
      );
      copy.write('packages/store/src/canary-any.ts', disguised(`${DOC}export const loose: a|ny = 1;\n`));
      copy.write(
        'packages/store/src/canary-a.ts',
        `import { b } from './canary-b.ts';\n${DOC}export const a = (): number => b();\n`,
      );
      copy.write(
        'packages/store/src/canary-b.ts',
        `import { a } from './canary-a.ts';\n${DOC}export const b = (): number => a();\n`,
      );
      copy.write('packages/store/src/canary-function.ts', longFunction(61));
      copy.write('packages/store/src/canary-file.ts', `${DOC}export const x: number = 1;\n${'void x;\n'.repeat(400)}`);
      const parameters = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}: number`).join(', ');
      copy.write(
        'packages/store/src/canary-wide.ts',
        `${DOC}export function sum(${parameters}): number {\n  return a + b + c + d + e;\n}\n`,
      );
      copy.write('packages/store/src/canary-console.ts', `${DOC}export function say(): void {\n  console.log(1);\n}\n`);
      copy.write('packages/store/src/canaryName.ts', `${DOC}export const y: number = 1;\n`);
      copy.write('packages/store/test/canary.test.ts', `${DOC}export const z: number = 1;\n${'void z;\n'.repeat(600)}`);
    },
    expected: [
      /canary-float\.ts:\d+ typescript\(no-floating-promises\)/,
      /canary-any\.ts:\d+ typescript\(no-explicit-any\)/,
      /canary-[ab]\.ts:\d+ import\(no-cycle\)/,
      /canary-function\.ts:\d+ eslint\(max-lines-per-function\)/,
      /canary-file\.ts:\d+ eslint\(max-lines\)/,
      /canary-wide\.ts:\d+ eslint\(max-params\)/,
      /canary-console\.ts:\d+ eslint\(no-console\)/,
      /canaryName\.ts:\d+ unicorn\(filename-case\)/,
      /canary\.test\.ts:\d+ eslint\(max-lines\)/,
    ],
  },
  {
    gate: 'types',
    violation: 'a wrong type in a package, in the contracts and in a test; a folder no tsconfig.json includes',
    seed: (copy) => {
      copy.write('packages/protocol/src/canary.ts', "export const contract: number = 'x';\n");
      copy.write('packages/store/src/canary.ts', "export const stored: number = 'x';\n");
      copy.write(
        'packages/store/test/canary.test.ts',
        "import { expectTypeOf } from 'vitest';\n\nexpectTypeOf(1).toBeString();\n",
      );
      copy.edit('tsconfig.json', '"scripts"', '"elsewhere"');
    },
    expected: [
      /^packages\/protocol\/src\/canary\.ts\(.*TS2322/,
      /^packages\/store\/src\/canary\.ts\(.*TS2322/,
      /^packages\/store\/test\/canary\.test\.ts\(.*error TS/,
      /^scripts\/check\.ts: no tsconfig\.json includes it$/,
    ],
  },
  {
    gate: 'cycles',
    violation: 'a cycle of types only, one through a package name, an import that leads nowhere',
    seed: (copy) => {
      copy.write('packages/store/src/canary-a.ts', "import type { B } from './canary-b.ts';\nexport type A = B | 1;\n");
      copy.write('packages/store/src/canary-b.ts', "import type { A } from './canary-a.ts';\nexport type B = A | 2;\n");
      copy.edit('packages/protocol/src/limits.ts', /^/, "import type { Json } from '@holdfast/protocol';\n");
      copy.write('packages/store/src/canary-c.ts', "export { gone } from './canary-gone.ts';\n");
    },
    expected: [
      /^cycle: packages\/store\/src\/canary-\w\.ts → packages\/store\/src\/canary-\w\.ts/,
      /^cycle: .*packages\/protocol\/src\/limits\.ts/,
      /canary-c\.ts: imports packages\/store\/src\/canary-gone\.ts, which is not there/,
    ],
  },
  {
    gate: 'dead-code',
    violation: 'a file, an export and a dependency nobody uses',
    seed: (copy) => {
      copy.write('packages/protocol/src/canary.ts', 'export const unused: number = 1;\n');
      copy.edit('packages/protocol/src/limits.ts', /$/, '\nexport const canaryExport: number = 1;\n');
      copy.edit('packages/protocol/package.json', '"uuid"', '"yaml": "^2.0.0",\n    "uuid"');
    },
    expected: [
      /^packages\/protocol\/src\/canary\.ts: unused file$/,
      /^packages\/protocol\/src\/limits\.ts: exports: canaryExport$/,
      /^packages\/protocol\/package\.json: dependencies: yaml$/,
    ],
  },
];
