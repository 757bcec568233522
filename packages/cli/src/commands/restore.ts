import { basename } from 'node:path';

import { isHoldfastError } from '@holdfast/protocol';
import { Argument, Command } from 'commander';

import { type Call, withAction, withExamples } from '../action.ts';
import { fileBar } from '../backup/progress.ts';
import { restoreFromBackup, type RestoredService } from '../backup/restore-service.ts';
import { CommandError } from '../command-error.ts';
import type { ServiceName } from '../config/locations.ts';
import { paint } from '../output.ts';
import { countOf } from '../wording.ts';
import { restoreAgent } from './restore-agent.ts';

interface RestoreFlags {
  readonly from?: string;
  readonly backup?: string;
}

/** `holdfast restore`: a whole node or relay from a backup, or with `--agent` one agent of a node that runs. */
export function restoreCommand(): Command {
  const command = new Command('restore')
    .description(
      'Put a node or relay that does not run back to a backup; or, with --agent, rebuild one agent of the running node ' +
        'from the relay or a backup. What was there is set aside, nothing is deleted.',
    )
    .addArgument(new Argument('[service]', 'what to put back').choices(['node', 'relay']))
    .option(
      '--from <source>',
      'the directory of backups (default: where the service puts them); with --agent: relay or backup',
    )
    .option('--backup <id>', 'which backup (default: the newest verified one)');
  withAction<RestoreFlags>(command, (call) => {
    const [service] = call.args;
    if (call.options.agent !== undefined) return restoreOneAgent(call, call.options.agent);
    if (service === 'node' || service === 'relay') return restoreWhole(call, service);
    throw wrongUsage('say what to restore: node, relay or --agent NAME');
  });
  return withExamples(
    command,
    'restore node --from /mnt/usb/holdfast',
    'restore relay --backup 2026-11-20T14-00-00Z',
    'restore --agent recruiter --from relay',
  );
}

async function restoreOneAgent(call: Call<RestoreFlags>, agent: string): Promise<number> {
  const { from, backup } = call.options;
  if (call.args[0] !== undefined) throw wrongUsage('an agent is restored by itself: leave out node or relay');
  if (from !== 'relay' && from !== 'backup') throw wrongUsage('with --agent, --from is relay or backup');
  if (from === 'relay' && backup !== undefined) throw wrongUsage('--backup goes with --from backup');
  return restoreAgent({ agent, from, ...(backup !== undefined && { backup }) }, call);
}

async function restoreWhole({ options, output }: Call<RestoreFlags>, service: ServiceName): Promise<number> {
  const bar = fileBar(output.json);
  const choice = { from: options.from, id: options.backup };
  const restored = await restoreFromBackup(service, options, choice, bar)
    .catch((error: unknown) => {
      throw withOlder(error, service, options.from);
    })
    .finally(() => bar.end());
  const { manifest, replaced, directory, unsent, damagedRecords } = restored;
  const { id, made_at: madeAt, node, files, missing } = manifest;
  const sums = { backup: id, made_at: madeAt, node, files: files.length, missing, damaged_records: damagedRecords };
  const answer = { ...sums, directory, replaced, unsent };
  output.answer(answer, () => restoredText(restored, service));
  return 0;
}

/** Names the older backup that could be taken: that is for a person to decide. */
function withOlder(error: unknown, service: ServiceName, from: string | undefined): unknown {
  if (!isHoldfastError(error)) return error;
  const older = error.extensions['older_backup'];
  if (typeof older !== 'string') return error;
  const command = `holdfast restore ${service}${from === undefined ? '' : ` --from ${from}`} --backup ${older}`;
  const remedy = `Mend it, or take ${older}, the newest verified one before it: ${command}`;
  return new CommandError(`${error.kind.title}: ${error.message}`, remedy, 1, error.code);
}

function restoredText(
  { manifest, replaced, directory, unsent, damagedRecords }: RestoredService,
  service: ServiceName,
): string {
  const { id, files, missing, node } = manifest;
  return [
    `${paint('green', '✓')} ${directory} is as of backup ${id}: ${countOf(files.length, 'file')}, each one checked`,
    ...(replaced === null ? [] : [`  what was there is in ${replaced}`]),
    ...(replaced === null || unsent === 0 ? [] : [`  ${paint('yellow', unsentText(unsent, basename(replaced)))}`]),
    ...missing.map(({ agent, reason }) => `  ${paint('yellow', `agent ${agent} is not in the backup (${reason})`)}`),
    ...damagedRecords.map((damage) => `  ${paint('yellow', `had rotted before the backup: ${damage}`)}`),
    `  Start it: holdfast ${service}. It agrees with the network by itself on what came after the backup.`,
    ...(node === null
      ? []
      : ['  While the relay runs, the node may show `cloned` for up to a minute; then it goes on by itself.']),
  ].join('\n');
}

function unsentText(unsent: number, folder: string): string {
  const [were, they] = unsent === 1 ? ['was', 'it is'] : ['were', 'they are'];
  return `${countOf(unsent, 'change')} in it ${were} never sent to the relay; ${they} in ${folder}`;
}

function wrongUsage(message: string): CommandError {
  return new CommandError(message, 'See `holdfast restore --help`.', 2);
}
