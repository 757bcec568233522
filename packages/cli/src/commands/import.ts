import { statSync } from 'node:fs';
import { basename, extname } from 'node:path';

import cliProgress from 'cli-progress';
import { Command } from 'commander';

import { type Call, withAction, withExamples } from '../action.ts';
import type { Rejection } from '../import/conversations.ts';
import { type ImportSummary, importChats } from '../import/import-chats.ts';
import { paint } from '../output.ts';
import { withDaemon } from '../services.ts';
import { countOf, countText } from '../wording.ts';

/** Rejections that `--json` lists; all are counted. */
const LISTED_REJECTIONS = 1000;

interface ImportFlags {
  readonly prefix?: string;
}

/** `holdfast import`. */
export function importCommand(): Command {
  const chats = new Command('chats')
    .description(
      'Import chat transcripts in OpenAI message form: a JSON array or JSONL of conversations, or one list of messages. ' +
        'Each conversation becomes a record in `threads`, each message one in `messages`, in order. Run again, it ' +
        'writes only what changed. Broken entries are reported with their place and left out (exit code 1).',
    )
    .argument('<file>', 'the file')
    .option('--prefix <text>', "begins the ids of conversations that have none (default: the file's name)");
  withAction<ImportFlags>(chats, importFile);
  withExamples(chats, 'import chats support.jsonl --agent support');
  const command = new Command('import').description('Bring in data from elsewhere.').addCommand(chats);
  return withExamples(command, 'import chats support.jsonl --agent support');
}

async function importFile({ args: [path = ''], options, output }: Call<ImportFlags>): Promise<number> {
  const file = basename(path);
  const source = { file, prefix: options.prefix ?? basename(file, extname(file)) };
  const rejections: Rejection[] = [];
  const progress = makeProgress(path, output.json);
  const interrupt = firstInterrupt();
  try {
    const summary = await withDaemon(options, (holdfast) =>
      importChats(path, source, holdfast, {
        onBytes: (bytes) => progress.advance(bytes),
        onRejection: (rejection) => {
          if (rejections.length < LISTED_REJECTIONS) rejections.push(rejection);
          progress.say(() => output.remark(rejectionText(rejection)));
        },
        isStopped: () => interrupt.happened,
      }),
    );
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

function summaryText(summary: ImportSummary): string {
  const rejected = summary.rejected === 0 ? '' : paint('yellow', `, ${countText(summary.rejected)} rejected`);
  const stopped = summary.stopped ? paint('yellow', '\nStopped early; run it again for the rest.') : '';
  return (
    `${countOf(summary.threads, 'thread')}, ${countOf(summary.messages, 'message')}: ` +
    `${countText(summary.written)} written, ${countText(summary.unchanged)} unchanged${rejected}${stopped}`
  );
}
