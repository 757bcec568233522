import { relative } from 'node:path';

import { listSources } from '../workspace.ts';
import type { Gate } from './gate.ts';
import { runTool } from './tool.ts';

/** The type checker finds nothing, and it looks at every TypeScript file there is. */
export const types: Gate = {
  name: 'types',
  summary: 'tsc finds no error and reads every TypeScript file',
  load: 'light',
  async run(root) {
    const { code, output } = await runTool(root, 'typescript', ['-b', '--pretty', 'false']);
    const problems = output.split('\n').filter((line) => line.includes('error TS'));
    if (code !== 0 && problems.length === 0) problems.push(`tsc failed: ${output.trim()}`);
    const listed = await Promise.all(['.', 'packages/protocol'].map(async (project) => listProject(root, project)));
    const read = new Set(listed.flat());
    const sources = await listSources(root);
    const unread = sources
      .filter(({ path }) => !read.has(path))
      .map(({ path }) => `${path}: no tsconfig.json includes it`);
    return { examined: sources.length - unread.length, problems: [...problems, ...unread] };
  },
};

async function listProject(root: string, project: string): Promise<readonly string[]> {
  const { output } = await runTool(root, 'typescript', ['-p', project, '--listFilesOnly']);
  return output.split('\n').map((path) => relative(root, path));
}
