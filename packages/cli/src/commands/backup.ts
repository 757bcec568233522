import { assertArchive, backupsIn } from '@holdfast/backup';
import type { Backup, Backups } from '@holdfast/protocol';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { placeOf, serviceOf } from '../backup/place.ts';
import { fileBar } from '../backup/progress.ts';
import { isServed, takeFromFiles, takeFromService, type TakenBackup, withBackups } from '../backup/take.ts';
import { type Verified, verifyAll } from '../backup/verify.ts';
import { INCOMPLETE_EXIT } from '../command-error.ts';
import type { GlobalOptions } from '../global-options.ts';
import { paint } from '../output.ts';
import { type Column, renderTable } from '../table.ts';
import { countOf, NOTHING, sizeText } from '../wording.ts';

interface BackupFlags {
  readonly relay?: true;
}

interface FromFlags extends BackupFlags {
  readonly from?: string;
}

/** `holdfast backup`: of this node, or with `--relay` of the relay. */
export function backupCommand(): Command {
  const command = new Command('backup')
    .description(
      'Take a backup of everything this node holds, or with --relay the relay, and verify it by restoring it into a ' +
        'scratch place. It goes to `backup.directory`. Needs the admin token; a service that does not run is backed up by its ' +
        'files. Exit code 3: it is verified, and an agent is missing from it.',
    )
    .option('--relay', 'of the relay, not of the node');
  withAction<BackupFlags>(command, async ({ options, output }) => {
    const bar = fileBar(output.json);
    const taken = await take(options, (what, done, total) => bar.show(what, done, total)).finally(() => bar.end());
    output.answer(taken, () => takenText(taken));
    if (taken.verified_at === null) return 1;
    return taken.missing.length > 0 ? INCOMPLETE_EXIT : 0;
  });
  command.addCommand(listCommand()).addCommand(verifyCommand());
  return withExamples(command, 'backup', 'backup --relay', 'backup verify --from /mnt/usb/holdfast');
}

type Show = (what: string, done: number, total: number) => void;

async function take(options: BackupFlags & GlobalOptions, show: Show): Promise<TakenBackup> {
  const service = serviceOf(options);
  const onProgress = ({
    phase,
    filesDone,
    filesTotal,
  }: {
    phase: string;
    filesDone: number;
    filesTotal: number;
  }): void => show(phase, filesDone, filesTotal);
  return (await isServed(service, options))
    ? withBackups(service, options, (backups) => takeFromService(backups, onProgress))
    : takeFromFiles(await placeOf(service, options), onProgress);
}

function takenText({
  id,
  files,
  bytes,
  new_bytes: newBytes,
  verified_at: verifiedAt,
  missing,
  damaged_records: damagedRecords,
  directory,
  problems,
}: TakenBackup): string {
  const sums = `${countOf(files, 'file')}, ${sizeText(bytes)}, of which ${sizeText(newBytes)} new`;
  const head =
    verifiedAt === null
      ? `${paint('red', '✗')} backup ${id}: ${sums}; it cannot be restored`
      : `${paint('green', '✓')} backup ${id}: ${sums}; verified`;
  const remarks = [
    ...problems,
    ...missing.map(({ agent, reason }) => `agent ${agent} is not in it: ${reason}`),
    ...damagedRecords.map(rottedText),
  ];
  return [head, `  in ${directory}`, ...remarks.map((remark) => `  ${paint('yellow', remark)}`)].join('\n');
}

function rottedText(damage: string): string {
  return `had rotted before: ${damage}`;
}

function listCommand(): Command {
  const command = new Command('list')
    .description('List the backups there are, newest first.')
    .option('--relay', 'of the relay, not of the node')
    .option('--from <directory>', 'the directory of backups (default: where the service puts them)');
  withAction<FromFlags>(command, async ({ options, output }) => {
    const found = await list(options);
    output.answer(found, () => listText(found));
  });
  return withExamples(command, 'backup list', 'backup list --from /mnt/usb/holdfast');
}

/** What a service that runs tells beside the backups there are is not known of a directory. */
type Listed = Pick<Backups, 'directory' | 'backups'> & Partial<Backups>;

async function list(options: FromFlags & GlobalOptions): Promise<Listed> {
  const service = serviceOf(options);
  if (options.from === undefined && (await isServed(service, options))) {
    return withBackups(service, options, (backups) => backups.list());
  }
  // Of a service that never took a backup there is no directory yet.
  if (options.from !== undefined) await assertArchive(options.from);
  const directory = options.from ?? (await placeOf(service, options)).backups;
  return { directory, backups: await backupsIn(directory) };
}

const columns: readonly Column[] = [
  { title: 'backup' },
  { title: 'files', align: 'right' },
  { title: 'size', align: 'right' },
  { title: 'new', align: 'right' },
  { title: 'verified' },
  { title: 'missing' },
];

function listText({ directory, backups, running, last_error: error, next_at: nextAt }: Listed): string {
  const rows = backups.map(rowOf);
  return [
    `${paint('bold', 'Backups')}  ${directory}`,
    ...(running ? [`${running.phase} one now: ${running.files_done} of ${countOf(running.files_total, 'file')}`] : []),
    ...(nextAt ? [paint('dim', `next ${nextAt}`)] : []),
    ...(error ? [paint('red', `failed ${error.at}: ${error.detail}`)] : []),
    '',
    rows.length === 0 ? paint('dim', 'none yet: holdfast backup') : renderTable(columns, rows),
  ].join('\n');
}

function rowOf(backup: Backup): string[] {
  const { id, files, bytes, new_bytes: newBytes, verified_at: verifiedAt } = backup;
  const rotted = backup.damaged_records.length === 0 ? '' : paint('yellow', ', with damaged records');
  const missing = backup.missing.map(({ agent, reason }) => `${agent} (${reason})`).join(', ');
  return [
    id,
    String(files),
    sizeText(bytes),
    sizeText(newBytes),
    verifiedAt === null ? paint('red', 'no') : `${verifiedAt}${rotted}`,
    missing === '' ? NOTHING : paint('yellow', missing),
  ];
}

function verifyCommand(): Command {
  const command = new Command('verify')
    .description('Restore a backup, or all there are, into a temporary place and check every file. Changes nothing.')
    .argument('[id]', 'which one')
    .option('--relay', 'of the relay, not of the node')
    .option('--from <directory>', 'the directory of backups (default: where the service puts them)');
  withAction<FromFlags>(command, async ({ args: [id], options, output }) => {
    const directory = options.from ?? (await placeOf(serviceOf(options), options)).backups;
    const bar = fileBar(output.json);
    const verified = await verifyAll(directory, id, bar).finally(() => bar.end());
    output.answer({ directory, backups: verified }, () => verified.map(verifiedText).join('\n'));
    return verified.every(({ problems }) => problems.length === 0) ? 0 : 1;
  });
  return withExamples(command, 'backup verify', 'backup verify 2026-11-20T14-00-00Z --from /mnt/usb/holdfast');
}

function verifiedText({ id, files, problems, damaged_records: damagedRecords }: Verified): string {
  if (problems.length === 0) {
    const head = `${paint('green', '✓')} ${id}: ${countOf(files, 'file')}, whole`;
    return [head, ...damagedRecords.map((damage) => `  ${paint('yellow', rottedText(damage))}`)].join('\n');
  }
  return [`${paint('red', '✗')} ${id}`, ...problems.map((problem) => `  ${problem}`)].join('\n');
}
