import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { collectionsPage } from './collections-page.ts';
import { configurationPage } from './configuration-page.ts';
import { errorsPage } from './errors-page.ts';
import { httpPage } from './http-page.ts';
import type { GeneratedFile, Protocol } from './page.ts';

/** Every page and configuration file made from the contracts of the workspace in `root`, as it ought to stand there. */
export async function renderDocs(root: string): Promise<readonly GeneratedFile[]> {
  const protocol = await loadProtocol(root);
  return [
    { path: 'docs/errors.md', text: errorsPage(protocol) },
    { path: 'docs/configuration.md', text: configurationPage(protocol) },
    { path: 'docs/http.md', text: httpPage(protocol) },
    { path: 'docs/built-in-collections.md', text: collectionsPage(protocol) },
    { path: 'config/node.yaml', text: protocol.renderConfigFile('node') },
    { path: 'config/relay.yaml', text: protocol.renderConfigFile('relay') },
  ];
}

async function loadProtocol(root: string): Promise<Protocol> {
  return (await import(pathToFileURL(join(root, 'packages/protocol/src/index.ts')).href)) as Protocol;
}
