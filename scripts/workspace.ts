import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { runProgram } from './gates/tool.ts';

/** A file of the workspace: its path from the root, with forward slashes, and how to read it. */
export interface WorkspaceFile {
  readonly path: string;
  readonly text: () => string;
}

/** The part of a package.json that gates look at. */
export interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Every file Git tracks or would track (not ignored), sorted by path. Throws outside a Git work tree. */
export async function listFiles(root: string): Promise<readonly WorkspaceFile[]> {
  const args = ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { code, output, errors } = await runProgram(root, 'git', args);
  if (code !== 0) throw new Error(`git ls-files failed: ${errors.trim()}`);
  const paths = new Set(output.split('\0').filter((path) => path !== '' && existsSync(join(root, path))));
  return [...paths].toSorted().map((path) => ({ path, text: () => readFileSync(join(root, path), 'utf8') }));
}

/** The TypeScript files among the packages', the examples', the scenarios' and the scripts' files. */
export async function listSources(root: string): Promise<readonly WorkspaceFile[]> {
  const files = await listFiles(root);
  return files.filter(
    ({ path }) =>
      path.endsWith('.ts') && /^(?:packages\/[^/]+\/(?:src|test|conformance)|examples|test|scripts)\//.test(path),
  );
}

/** The test files: those vitest runs. */
export async function listTests(root: string): Promise<readonly WorkspaceFile[]> {
  const sources = await listSources(root);
  return sources.filter(({ path }) => path.endsWith('.test.ts') && !path.startsWith('scripts/'));
}

/** The names of the folders in `packages/` that hold a package. */
export function listPackages(root: string): readonly string[] {
  const folder = join(root, 'packages');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => existsSync(join(folder, name, 'package.json')));
}

/** Reads the package.json in `folder` (from the root; empty for the root's own). */
export function readManifest(root: string, folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
}
