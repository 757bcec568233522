import { posix } from 'node:path';

import { type ImportEdge, importsOf } from '../source.ts';
import { listPackages, listSources, type Manifest, readManifest, type WorkspaceFile } from '../workspace.ts';
import type { Gate } from './gate.ts';
import { folderRules, packageRules } from './rules.ts';

/** The prefix of the names of our packages. */
const SCOPE = '@holdfast/';

/** Packages import what the table in `rules.ts` allows, by name, and declare what they import. */
export const boundaries: Gate = {
  name: 'boundaries',
  summary: 'imports between packages and folders follow scripts/gates/rules.ts and package.json',
  load: 'light',
  async run(root) {
    const sources = await listSources(root);
    const problems = sources.flatMap((file) => checkFile(root, file));
    const packages = listPackages(root);
    for (const name of packages) problems.push(...checkPackage(root, name, sources));
    return { examined: packages.length === 0 ? 0 : sources.length, problems };
  },
};

function checkFile(root: string, file: WorkspaceFile): readonly string[] {
  const place = placeOf(file.path);
  const edges = importsOf(file.path, file.text());
  return edges.flatMap((edge) => {
    const problem = edge.specifier.startsWith('.')
      ? checkRelative(place, edge)
      : (checkNamed(place, edge) ?? checkDeclared(root, place, edge));
    return problem === undefined ? [] : [`${file.path}: imports ${edge.specifier}: ${problem}`];
  });
}

/** Where a file stands: `packages/store/src/rows/read.ts` is in package `store`, area `src`, folder `rows`. */
interface Place {
  readonly path: string;
  /** `packages/store`, `examples`, `test`, or empty for the scripts, which belong to the root. */
  readonly home: string;
  readonly package: string | undefined;
  readonly isTest: boolean;
}

function placeOf(path: string): Place {
  const [top = '', name = '', area] = path.split('/');
  if (top === 'packages') return { path, home: `${top}/${name}`, package: name, isTest: area !== 'src' };
  return { path, home: ['examples', 'test'].includes(top) ? top : '', package: undefined, isTest: true };
}

function checkRelative(place: Place, { specifier }: ImportEdge): string | undefined {
  const target = posix.join(posix.dirname(place.path), specifier);
  const boundary = place.home === '' ? 'scripts' : place.home;
  if (!target.startsWith(`${boundary}/`)) return 'a relative import may not leave its package';
  if (place.package === undefined || place.isTest) return undefined;
  const [from, to] = [place.path, target].map((path) => path.slice(`${place.home}/src/`.length).split('/'));
  const forbidden = folderRules[place.package]?.[from?.[0] ?? ''] ?? [];
  if (!forbidden.includes(to?.[0] ?? '') || to?.length === 1) return undefined;
  return `folder ${from?.[0]} may not import folder ${to?.[0]}`;
}

function checkNamed(place: Place, { specifier, isTypeOnly }: ImportEdge): string | undefined {
  if (!specifier.startsWith(SCOPE) || place.package === undefined) return undefined;
  const target = packageOf(specifier).slice(SCOPE.length);
  if (place.isTest && (target === place.package || target === 'testkit')) return undefined;
  const rule = packageRules[place.package];
  if (rule === undefined) return `package ${place.package} is not in the table of scripts/gates/rules.ts`;
  if (rule.imports.includes(target)) return undefined;
  if (!rule.typesOf?.includes(target)) return `${place.package} may not import ${target}`;
  return isTypeOnly || place.isTest
    ? undefined
    : `${place.package} may import only types of ${target}: write "import type"`;
}

function checkDeclared(root: string, place: Place, { specifier }: ImportEdge): string | undefined {
  if (specifier.startsWith('node:')) return undefined;
  const target = packageOf(specifier);
  const own = readManifest(root, place.home);
  if (target === own.name && place.isTest) return undefined;
  if (target in (own.dependencies ?? {})) return undefined;
  if (!place.isTest) return `not among the dependencies in ${place.home}/package.json`;
  const development = { ...readManifest(root, '').devDependencies, ...own.devDependencies };
  const isOurs = target.startsWith(SCOPE) && place.home !== '';
  if (target in (isOurs ? (own.devDependencies ?? {}) : development)) return undefined;
  return `not declared in ${posix.join(place.home, 'package.json')}`;
}

function checkPackage(root: string, name: string, sources: readonly WorkspaceFile[]): readonly string[] {
  const manifest = readManifest(root, `packages/${name}`);
  const rule = packageRules[name];
  const path = `packages/${name}/package.json`;
  if (rule === undefined) return [`${path}: package ${name} is not in the table of scripts/gates/rules.ts`];
  const allowed = [...rule.imports, ...(rule.typesOf ?? [])];
  const tooMuch = [
    ...ours(manifest.dependencies).filter((target) => !allowed.includes(target)),
    ...ours(manifest.devDependencies).filter((target) => ![...allowed, 'testkit'].includes(target)),
  ];
  const imported = importedBy(`packages/${name}/`, sources);
  const unused = ours({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
    (target) => !imported.has(target),
  );
  return [
    ...tooMuch.map((target) => `${path}: ${name} may not depend on ${target}`),
    ...unused.map((target) => `${path}: depends on ${target}, which nothing in it imports`),
  ];
}

function importedBy(prefix: string, sources: readonly WorkspaceFile[]): ReadonlySet<string> {
  const files = sources.filter(({ path }) => path.startsWith(prefix));
  const edges = files.flatMap((file) => importsOf(file.path, file.text()));
  const named = edges.map(({ specifier }) => packageOf(specifier)).filter((target) => target.startsWith(SCOPE));
  return new Set(named.map((target) => target.slice(SCOPE.length)));
}

function ours(dependencies: Manifest['dependencies']): readonly string[] {
  const names = Object.keys(dependencies ?? {}).filter((name) => name.startsWith(SCOPE));
  return names.map((name) => name.slice(SCOPE.length));
}

/** The package part of a specifier: `@a/b/c` → `@a/b`, `a/b` → `a`. */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
