import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { GeneratedFile } from '../docs/page.ts';
import { renderDocs } from '../docs/pages.ts';
import { renderSchemas, schemaSources } from '../docs/schemas.ts';
import { listFiles } from '../workspace.ts';
import type { Findings, Gate } from './gate.ts';

/** The generated pages and configuration files say what the contracts say. */
export const generatedDocs: Gate = {
  name: 'docs',
  summary: 'generated pages and configuration files are up to date (mend with: npm run docs)',
  load: 'light',
  run: async (root) => compare(root, await renderDocs(root)),
};

/** The committed schemas are what the migrations make, and no database's migrations are left out. */
export const schema: Gate = {
  name: 'schema',
  summary: 'committed database schemas equal what the migrations make (mend with: npm run docs)',
  load: 'light',
  async run(root) {
    const { examined, problems } = compare(root, await renderSchemas(root));
    const known = new Set(schemaSources.map(({ module }) => module));
    const modules = (await listFiles(root)).filter(({ path }) =>
      /\/src\/(?:.*\/)?migrations(?:\/index)?\.ts$/.test(path),
    );
    const unlisted = modules
      .filter(({ path }) => !known.has(path))
      .map(({ path }) => `${path}: not among the schemas of scripts/docs/schemas.ts`);
    return { examined, problems: [...problems, ...unlisted] };
  },
};

function compare(root: string, files: readonly GeneratedFile[]): Findings {
  const stale = files.filter(({ path, text }) => {
    const full = join(root, path);
    return !existsSync(full) || readFileSync(full, 'utf8') !== text;
  });
  return {
    examined: files.length,
    problems: stale.map(({ path }) => `${path}: not what its source makes; run npm run docs`),
  };
}
