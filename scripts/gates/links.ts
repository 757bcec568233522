import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';

import { declaredNames } from '../source.ts';
import { listFiles, type WorkspaceFile } from '../workspace.ts';
import type { Gate } from './gate.ts';

/** Where a page points, and how it stands there. */
interface Reference {
  readonly text: string;
  /** From the root; undefined for what lies outside the workspace. */
  readonly path: string;
  readonly fragment: string | undefined;
}

/** Links and code anchors of the docs lead somewhere: to files, headings and names that exist. */
export const links: Gate = {
  name: 'links',
  summary: 'docs link to files and headings that exist; `path#symbol` names something declared there',
  load: 'light',
  async run(root) {
    const files = await listFiles(root);
    const byPath = new Map(files.map((file) => [file.path, file]));
    const pages = files.filter(({ path }) => path.endsWith('.md'));
    const references = pages.flatMap((page) => referencesOf(page).map((reference) => ({ page, reference })));
    const problems = references.flatMap(({ page, reference }) => {
      const problem = check(root, byPath, reference);
      return problem === undefined ? [] : [`${page.path}: ${reference.text}: ${problem}`];
    });
    return { examined: references.length, problems };
  },
};

function referencesOf(page: WorkspaceFile): readonly Reference[] {
  const text = page.text().replaceAll(/^```.*?^```/gms, '');
  const folder = posix.dirname(page.path);
  const linked = [...text.matchAll(/\]\((?<target>[^)\s]+)\)/g)].flatMap(({ groups }) => {
    const target = groups?.['target'] ?? '';
    if (/^[a-z]+:/.test(target)) return [];
    const [path = '', fragment] = target.split('#');
    return [{ text: target, path: path === '' ? page.path : posix.normalize(posix.join(folder, path)), fragment }];
  });
  const anchored = [...text.matchAll(/`(?<path>[\w./-]+\.\w+)(?:#(?<symbol>[\w.#]+))?`/g)].flatMap(({ groups }) => {
    const path = groups?.['path'] ?? '';
    if (!/^(?:packages|examples|scripts|test|docs|config)\//.test(path)) return [];
    return [{ text: path + (groups?.['symbol'] ? `#${groups['symbol']}` : ''), path, fragment: groups?.['symbol'] }];
  });
  return [...linked, ...anchored];
}

function check(root: string, files: ReadonlyMap<string, WorkspaceFile>, reference: Reference): string | undefined {
  const { path, fragment } = reference;
  const file = files.get(path);
  if (file === undefined) return existsSync(join(root, path)) && fragment === undefined ? undefined : 'no such file';
  if (fragment === undefined || fragment === '') return undefined;
  if (path.endsWith('.md')) return headings(file.text()).has(fragment) ? undefined : 'no such heading';
  if (/^L\d+/.test(fragment)) return 'line numbers go stale; name a symbol';
  if (!path.endsWith('.ts')) return undefined;
  const names = declaredNames(path, file.text());
  return fragment.split(/[.#]/).every((name) => names.has(name)) ? undefined : 'no such symbol';
}

/** The fragments of a page's headings, as GitHub makes them. */
function headings(text: string): ReadonlySet<string> {
  const titles = [...text.matchAll(/^#+\s+(?<title>.+)$/gm)].map(({ groups }) => groups?.['title'] ?? '');
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(/\s/g, '-'),
    ),
  );
}
