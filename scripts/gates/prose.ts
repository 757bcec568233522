import { declarationsWithoutComment, hasStarExport } from '../source.ts';
import { listFiles, type WorkspaceFile } from '../workspace.ts';
import type { Gate } from './gate.ts';

/** Something that must not stand in a file: where to look, what to look for, and what to say. */
interface Ban {
  readonly files: RegExp;
  readonly pattern: RegExp;
  readonly problem: string;
}

const CODE = /\.(?:ts|mjs|js)$/;
const TEXT = /\.(?:ts|mjs|js|json|md|ya?ml|sql|service|sh)$|(?:^|\/)(?:holdfast|run|\.npmrc)$/;
const LOCK_FILE = /(?:^|\/)pnpm-lock\.yaml$/;

// Written so that no pattern matches its own text.
const bans: readonly Ban[] = [
  { files: CODE, pattern: /(?::\s*|\bas\s+|<)any(?=\s*(?:[;,)>|=\]}[]|$))/, problem: 'the type any' },
  { files: CODE, pattern: /@ts-(?:ignore|nocheck)/, problem: 'switches the type checker off' },
  { files: /\/src\//, pattern: /@ts-expect-error/, problem: 'hides a type error' },
  { files: CODE, pattern: /\bas unknown as\b/, problem: 'forces a type' },
  {
    files: /\.test\.ts$/,
    pattern: /\b(?:test|it|describe)(?:\.\w+)*\.(?:only|skip|todo|fails)\b/,
    problem: 'a test that does not count',
  },
  { files: TEXT, pattern: /\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/, problem: 'unfinished work: finish it or file it' },
  { files: /\.(?:ts|sql)$/, pattern: /\bselect\s+\*\s/i, problem: 'name the columns' },
  { files: TEXT, pattern: /(?<![\w.~$}])\/(?:work|root|Users)\/\w/, problem: "a path of somebody's machine" },
  { files: CODE, pattern: /(?<![\w.~$}])\/home\/\w/, problem: "a path of somebody's machine" },
  { files: /(?:^|\/)\.npmrc$/, pattern: /registry/, problem: "the registry is the user's choice" },
  { files: LOCK_FILE, pattern: /\b(?:tarball|registry):/, problem: 'names a registry' },
  { files: LOCK_FILE, pattern: /https?:\/\/[^/\s]*(?:npm|registry|artifact)/, problem: 'names a registry' },
];

/** What lint rules cannot see: forbidden words, paths and types, star exports, exported things without a comment. */
export const prose: Gate = {
  name: 'prose',
  summary: 'no machine paths, any, unfinished work, star SELECTs, registry hosts; a comment on every export',
  load: 'light',
  async run(root) {
    const files = (await listFiles(root)).filter(({ path }) => TEXT.test(path) || LOCK_FILE.test(path));
    const problems = files.flatMap((file) => [...findBanned(file), ...checkExports(file)]);
    return { examined: files.length, problems };
  },
};

function findBanned({ path, text }: WorkspaceFile): readonly string[] {
  const applying = bans.filter(({ files }) => files.test(path));
  if (applying.length === 0) return [];
  return text()
    .split('\n')
    .flatMap((line, index) => {
      const broken = applying.filter(({ pattern }) => pattern.test(line));
      return broken.map(({ problem, pattern }) => `${path}:${index + 1} ${problem}: ${pattern.exec(line)?.[0].trim()}`);
    });
}

function checkExports({ path, text }: WorkspaceFile): readonly string[] {
  if (!/^(?:packages\/[^/]+\/src|scripts)\/.*\.ts$/.test(path)) return [];
  const bare = declarationsWithoutComment(path, text()).map(
    (name) => `${path}: ${name} is exported without a doc comment`,
  );
  return hasStarExport(path, text()) ? [...bare, `${path}: export * hides what is exported; list the names`] : bare;
}
