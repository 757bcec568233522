import { testsOf } from '../source.ts';
import { listTests } from '../workspace.ts';
import type { Gate } from './gate.ts';

/** No two tests of a file have the same full name: a name must say which one failed. */
export const testNames: Gate = {
  name: 'test-names',
  summary: 'every test of a file has a name of its own',
  load: 'light',
  async run(root) {
    const tests = (await listTests(root)).flatMap((file) => {
      const calls = testsOf(file.path, file.text()).filter(({ isGroup }) => !isGroup);
      return calls.map(({ fullName }) => `${file.path}: ${fullName}`);
    });
    const repeated = tests.filter((name, index) => tests.indexOf(name) !== index);
    return { examined: tests.length, problems: [...new Set(repeated)].map((name) => `used twice: ${name}`) };
  },
};
