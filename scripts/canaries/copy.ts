import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { runProgram } from '../gates/tool.ts';
import { listFiles, listPackages } from '../workspace.ts';

/** A throw-away copy of the workspace: files of its own, installed packages shared with the original. */
export interface WorkspaceCopy {
  readonly root: string;
  /** Writes a file, with its folders. */
  write(path: string, text: string): void;
  /** Replaces the first match in a file. Throws if there is none, so that no canary silently changes nothing. */
  edit(path: string, from: string | RegExp, to: string): void;
  /** Removes every file whose path matches. */
  remove(pattern: RegExp): Promise<void>;
  [Symbol.dispose](): void;
}

/** Copies what Git tracks or would track. With `files: 'none'` the copy is a workspace with nothing in it. */
export async function copyWorkspace(
  original: string,
  { files }: { readonly files: 'all' | 'none' },
): Promise<WorkspaceCopy> {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-canary-'));
  try {
    linkPackages(original, root);
    for (const { path } of files === 'all' ? await listFiles(original) : []) {
      cpSync(join(original, path), join(root, path), { verbatimSymlinks: true });
    }
    writeFileSync(join(root, '.gitignore'), 'node_modules/\n*.tsbuildinfo\n');
    await runProgram(root, 'git', ['init', '--quiet', '--template=']);
    return new TemporaryCopy(root);
  } catch (error) {
    rmSync(root, { recursive: true, force: true });
    throw error;
  }
}

class TemporaryCopy implements WorkspaceCopy {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  write(path: string, text: string): void {
    const full = join(this.root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
  }

  edit(path: string, from: string | RegExp, to: string): void {
    const full = join(this.root, path);
    const before = readFileSync(full, 'utf8');
    const after = before.replace(from, to);
    if (after === before) throw new Error(`${path} has nothing like ${String(from)}`);
    writeFileSync(full, after);
  }

  async remove(pattern: RegExp): Promise<void> {
    const matching = (await listFiles(this.root)).filter(({ path }) => pattern.test(path));
    for (const { path } of matching) rmSync(join(this.root, path));
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/**
 * Gives the copy the original's installed packages. Links between our own packages are copied as they are, relative,
 * so that they lead to the copy's packages and not back into the original.
 */
function linkPackages(original: string, root: string): void {
  const modules = join(original, 'node_modules');
  mkdirSync(join(root, 'node_modules'));
  for (const name of readdirSync(modules)) {
    if (name !== '@holdfast' && !isCache(name)) symlinkSync(join(modules, name), join(root, 'node_modules', name));
  }
  const ours = [
    'node_modules/@holdfast',
    'examples/node_modules',
    'test/node_modules',
    ...listPackages(original).map((name) => `packages/${name}/node_modules`),
  ];
  for (const folder of ours.filter((path) => existsSync(join(original, path)))) {
    cpSync(join(original, folder), join(root, folder), { recursive: true, verbatimSymlinks: true });
  }
}

function isCache(name: string): boolean {
  return /^\.(?:cache|vite|vitest|holdfast)/.test(name);
}
