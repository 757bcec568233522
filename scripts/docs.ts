// Writes every generated file: reference pages, configuration files, database schemas. The gate compares them.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { renderDocs } from './docs/pages.ts';
import { renderSchemas } from './docs/schemas.ts';

const root = dirname(import.meta.dirname);

for (const { path, text } of [...(await renderDocs(root)), ...(await renderSchemas(root))]) {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
  console.log(path);
}
