import type { Gate } from './gate.ts';
import { runTool } from './tool.ts';

/** What of oxlint's report is used. */
interface Report {
  readonly number_of_files: number;
  readonly diagnostics: readonly {
    readonly code?: string;
    readonly message: string;
    readonly filename: string;
    readonly labels: readonly { readonly span: { readonly line: number } }[];
  }[];
}

/** The rules of `.oxlintrc.json`, those that need types included. */
export const lint: Gate = {
  name: 'lint',
  summary: 'oxlint, type-aware: promises, any, cycles, sizes of files and functions',
  load: 'light',
  async run(root) {
    const { code, output, errors } = await runTool(root, 'oxlint', [
      '--type-aware',
      '--format',
      'json',
      '--deny-warnings',
    ]);
    if (!output.startsWith('{')) return { examined: 0, problems: [`oxlint failed: ${errors.trim() || output.trim()}`] };
    const report = JSON.parse(output) as Report;
    const problems = report.diagnostics.map(({ filename, labels, message, code: rule }) => {
      return `${filename}:${labels[0]?.span.line ?? 1} ${rule ?? 'oxlint'}: ${message}`;
    });
    if (code !== 0 && problems.length === 0) problems.push(`oxlint failed: ${errors.trim()}`);
    return { examined: report.number_of_files, problems };
  },
};
