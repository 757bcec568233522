import type { Reporter } from 'knip';

/** One thing knip found. */
export interface DeadCodeIssue {
  readonly kind: string;
  readonly path: string;
  readonly symbol: string;
}

/** What the dead-code gate reads from knip: unlike knip's own reporters it says how many files were looked at. */
export interface DeadCodeReport {
  readonly files: number;
  readonly issues: readonly DeadCodeIssue[];
}

const report: Reporter = ({ issues, counters }) => {
  const found = Object.entries(issues).flatMap(([kind, byFile]) => {
    return Object.values(byFile).flatMap((bySymbol) => {
      return Object.values(bySymbol).map(({ filePath, symbol }) => ({ kind, path: filePath, symbol }));
    });
  });
  const answer: DeadCodeReport = { files: counters.processed, issues: found };
  process.stdout.write(JSON.stringify(answer));
};

export default report;
