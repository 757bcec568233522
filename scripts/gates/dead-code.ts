import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { DeadCodeReport } from './dead-code-reporter.ts';
import type { Gate } from './gate.ts';
import { runTool } from './tool.ts';

/** Nothing is kept that nobody uses: files, exports, dependencies. */
export const deadCode: Gate = {
  name: 'dead-code',
  summary: 'knip finds no unused file, export or dependency, and none undeclared',
  load: 'light',
  async run(root) {
    const reporter = fileURLToPath(new URL('dead-code-reporter.ts', import.meta.url));
    const args = ['--no-progress', '--no-config-hints', '--reporter', reporter];
    const { code, output, errors } = await runTool(root, 'knip', args);
    if (!output.startsWith('{')) return { examined: 0, problems: [`knip failed: ${errors.trim()}`] };
    const report = JSON.parse(output) as DeadCodeReport;
    const problems = report.issues.map(({ kind, path, symbol }) => {
      const place = path.startsWith('/') ? relative(root, path) : path;
      return kind === 'files' ? `${place}: unused file` : `${place}: ${kind}: ${symbol}`;
    });
    if (code !== 0 && problems.length === 0) problems.push(`knip failed: ${errors.trim()}`);
    return { examined: report.files, problems };
  },
};
