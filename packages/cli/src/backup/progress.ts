import cliProgress from 'cli-progress';

/** A bar that counts files. */
export interface FileBar {
  /** So many of so many are done. */
  show(what: string, done: number, total: number): void;
  end(): void;
}

/** A bar on stderr while it is a terminal; nothing otherwise. */
export function fileBar(isQuiet: boolean): FileBar {
  if (isQuiet || !process.stderr.isTTY) return { show: () => {}, end: () => {} };
  const bar = new cliProgress.SingleBar({
    format: '{what} {bar} {value}/{total} files',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    clearOnComplete: true,
    stream: process.stderr,
  });
  bar.start(1, 0, { what: '' });
  return {
    show: (what, done, total) => {
      bar.setTotal(Math.max(1, total));
      bar.update(done, { what });
    },
    end: () => bar.stop(),
  };
}
