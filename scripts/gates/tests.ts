import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

import type { Gate } from './gate.ts';
import { runTool } from './tool.ts';

/** What of vitest's JSON report is used (it follows Jest's). */
interface TestReport {
  readonly success: boolean;
  readonly numTotalTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

/** Every test passes. */
export const tests: Gate = {
  name: 'tests',
  summary: 'all tests pass, fault tests included',
  load: 'heavy',
  async run(root) {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-tests-'));
    try {
      const file = join(folder, 'report.json');
      const args = ['run', '--reporter=dot', '--reporter=json', `--outputFile.json=${file}`];
      const { code, output, errors } = await runTool(root, 'vitest', args);
      const report = JSON.parse(readFileSync(file, 'utf8')) as TestReport;
      const problems = problemsOf(root, report);
      if ((code !== 0 || !report.success) && problems.length === 0)
        problems.push(`vitest failed: ${errors.trim() || output.trim()}`);
      return { examined: report.numTotalTests - report.numPendingTests, problems };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function problemsOf(root: string, { testResults }: TestReport): string[] {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(root, name);
    const failed = assertionResults.filter((result) => result.status === 'failed');
    if (status === 'failed' && failed.length === 0) return [`${file}: ${firstLine(message)}`];
    return failed.map(({ fullName, failureMessages }) => `${file}: ${fullName}: ${firstLine(failureMessages?.[0])}`);
  });
}

function firstLine(text = ''): string {
  return text.split('\n', 1)[0] ?? '';
}
