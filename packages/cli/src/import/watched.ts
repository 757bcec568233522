import { statSync } from 'node:fs';

import cliProgress from 'cli-progress';

import { type Output, paint } from '../output.ts';
import type { Rejection } from './conversations.ts';
import type { ImportWatcher } from './import-chats.ts';

/** Rejections that `--json` lists; all are counted. */
const LISTED_REJECTIONS = 1000;

/** What every import says of itself. */
interface Summary {
  readonly rejected: number;
  readonly stopped: boolean;
}

/**
 * Runs an import under the eyes of somebody at a terminal: a bar, rejections as they come, ctrl-c, the summary. Gives the exit
 * code: 1 if something was rejected or it was stopped.
 */
export async function watched<Came extends Summary>(
  { path, output }: { readonly path: string; readonly output: Output },
  work: (watcher: ImportWatcher) => Promise<Came>,
  summaryText: (summary: Came) => string,
): Promise<number> {
  const rejections: Rejection[] = [];
  const progress = makeProgress(path, output.json);
  const interrupt = firstInterrupt();
  try {
    const summary = await work({
      onBytes: (bytes) => progress.advance(bytes),
      onRejection: (rejection) => {
        if (rejections.length < LISTED_REJECTIONS) rejections.push(rejection);
        progress.say(() => output.remark(rejectionText(rejection)));
      },
      isStopped: () => interrupt.happened,
    });
    progress.end();
    output.answer({ ...summary, rejections }, () => summaryText(summary));
    return summary.rejected > 0 || summary.stopped ? 1 : 0;
  } finally {
    progress.end();
    interrupt.forget();
  }
}

interface Progress {
  advance(bytes: number): void;
  /** Prints without tearing the bar. */
  say(print: () => void): void;
  end(): void;
}

/** A bar on stderr while it is a terminal; nothing otherwise. */
function makeProgress(path: string, isQuiet: boolean): Progress {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (isQuiet || !process.stderr.isTTY) return { advance: () => {}, say: (print) => print(), end: () => {} };
  const bar = new cliProgress.SingleBar({
    format: 'importing {bar} {percentage}%',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    clearOnComplete: true,
    stream: process.stderr,
  });
  bar.start(size, 0);
  return {
    advance: (bytes) => bar.increment(bytes),
    say: (print) => {
      process.stderr.write('\r\x1b[K');
      print();
      bar.render();
    },
    end: () => bar.stop(),
  };
}

/** The first ctrl-c lets the chunk in hand be finished; a second one ends the process as usual. */
function firstInterrupt(): { readonly happened: boolean; forget(): void } {
  let happened = false;
  const note = (): void => {
    happened = true;
  };
  process.once('SIGINT', note);
  return {
    get happened() {
      return happened;
    },
    forget: () => process.off('SIGINT', note),
  };
}

function rejectionText(rejection: Rejection): string {
  const place = 'line' in rejection ? `line ${rejection.line}` : `index ${rejection.index}`;
  const message = rejection.message === undefined ? '' : `, message ${rejection.message}`;
  return `${paint('yellow', 'rejected')} ${place}${message}: ${rejection.reason}`;
}
