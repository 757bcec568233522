import { basename, extname } from 'node:path';

import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { importCandidates, type CandidateSummary } from '../import/import-candidates.ts';
import { type ImportSummary, importChats } from '../import/import-chats.ts';
import { watched } from '../import/watched.ts';
import { paint } from '../output.ts';
import { withDaemon } from '../services.ts';
import { countOf, countText } from '../wording.ts';

interface ChatFlags {
  readonly prefix?: string;
}

interface CandidateFlags {
  readonly dryRun?: true;
}

/** `holdfast import`. */
export function importCommand(): Command {
  const command = new Command('import')
    .description('Bring in data from elsewhere.')
    .addCommand(chatsCommand())
    .addCommand(candidatesCommand());
  return withExamples(
    command,
    'import chats support.jsonl --agent support',
    'import candidates applicants.csv --agent recruiter --dry-run',
  );
}

function chatsCommand(): Command {
  const command = new Command('chats')
    .description(
      'Import chat transcripts in OpenAI message form: a JSON array or JSONL of conversations, or one list of messages. ' +
        'Each conversation becomes a record in `threads`, each message one in `messages`, in order. Run again, it ' +
        'writes only what changed. Broken entries are reported with their place and left out (exit code 1).',
    )
    .argument('<file>', 'the file')
    .option('--prefix <text>', "begins the ids of conversations that have none (default: the file's name)");
  withAction<ChatFlags>(command, async ({ args: [path = ''], options, output }) => {
    const file = basename(path);
    const source = { file, prefix: options.prefix ?? basename(file, extname(file)) };
    return watched(
      { path, output },
      (watcher) => withDaemon(options, (holdfast) => importChats(path, source, holdfast, watcher)),
      chatsText,
    );
  });
  return withExamples(command, 'import chats support.jsonl --agent support');
}

function candidatesCommand(): Command {
  const command = new Command('candidates')
    .description(
      'Import candidates from CSV with a header, JSON or JSONL. Columns are matched to fields by name, whatever their case, ' +
        'spaces and dashes; skills stand in one cell, parted by ; , or |. A candidate who is there already gets what the file ' +
        'says and keeps all else. Run again, it writes only what changed. Broken rows are reported with their line and left ' +
        'out (exit code 1).',
    )
    .argument('<file>', 'the file')
    .option('--dry-run', 'check the file and say what would be written; write nothing');
  withAction<CandidateFlags>(command, async ({ args: [path = ''], options, output }) =>
    watched(
      { path, output },
      (watcher) =>
        withDaemon(options, (holdfast) =>
          importCandidates(path, holdfast, { watcher, isDryRun: options.dryRun === true }),
        ),
      candidatesText,
    ),
  );
  return withExamples(command, 'import candidates applicants.csv --agent recruiter --dry-run');
}

function chatsText(summary: ImportSummary): string {
  const found = `${countOf(summary.threads, 'thread')}, ${countOf(summary.messages, 'message')}`;
  return `${found}: ${countText(summary.written)} written${restText(summary)}`;
}

function candidatesText(summary: CandidateSummary): string {
  const written = `${countText(summary.written)} ${summary.dryRun ? 'to be written' : 'written'}`;
  return `${countOf(summary.candidates, 'candidate')}: ${written}${restText(summary)}`;
}

function restText({ unchanged, rejected, stopped }: Pick<ImportSummary, 'unchanged' | 'rejected' | 'stopped'>): string {
  const refused = rejected === 0 ? '' : paint('yellow', `, ${countText(rejected)} rejected`);
  const early = stopped ? paint('yellow', '\nStopped early; run it again for the rest.') : '';
  return `, ${countText(unchanged)} unchanged${refused}${early}`;
}
