import type { Gate } from './gate.ts';
import { runTool } from './tool.ts';

/** Every file stands as oxfmt writes it. */
export const format: Gate = {
  name: 'format',
  summary: 'oxfmt would change nothing (mend with: npm run format)',
  load: 'light',
  async run(root) {
    const { code, output, errors } = await runTool(root, 'oxfmt', ['--check']);
    const examined = Number(/ on (?<files>\d+) files/.exec(output)?.groups?.['files'] ?? 0);
    const problems = [...output.matchAll(/^(?<path>\S+) \(\d+ms\)$/gm)].map(([, path]) => `${path}: not formatted`);
    if (code !== 0 && problems.length === 0) problems.push(`oxfmt failed: ${errors.trim() || output.trim()}`);
    return { examined, problems };
  },
};
