import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { isRestorePending } from '@holdfast/backup';
import { renderConfigFile } from '@holdfast/protocol';
import { Argument, Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { inLockedDirectory } from '../backup/place.ts';
import { loadConfig } from '../config/load.ts';
import { findConfigFile, type ServiceName, userConfigFile } from '../config/locations.ts';
import type { GlobalOptions } from '../global-options.ts';
import { paint } from '../output.ts';

interface InitFlags {
  readonly ifMissing?: true;
}

interface Prepared {
  readonly service: ServiceName;
  readonly directory: string;
  readonly admin_token_file: string;
  readonly config_file: string | null;
  /** False if it had been prepared before (`--if-missing`). */
  readonly created: boolean;
}

/** `holdfast init`. */
export function initCommand(): Command {
  const command = new Command('init')
    .description(
      'Prepare a service on this machine: data directory, admin token, and a configuration file if there is none ' +
        '(with --data-dir only if --config names it).',
    )
    .addArgument(new Argument('<service>', 'which service').choices(['relay', 'node']))
    .option('--if-missing', 'do nothing, and be content, if the data directory is prepared already');
  withAction<InitFlags>(command, async ({ args: [name], options, output }) => {
    const prepared = await prepare(name === 'relay' ? 'relay' : 'node', options);
    output.answer(prepared, () => preparedText(prepared));
  });
  return withExamples(command, 'init node', 'init relay --data-dir /srv/holdfast --config /etc/holdfast/relay.yaml');
}

async function prepare(service: ServiceName, options: InitFlags & GlobalOptions): Promise<Prepared> {
  const configFile = options.ifMissing
    ? findConfigFile(service, options.config, process.env)
    : ensureConfigFile(service, options);
  const { directory } = loadConfig(service, { flags: { 'data.dir': options.dataDir }, file: configFile }, process.env);
  // Between its renames a restore leaves no database: a new one must not take its place.
  if (isRestorePending(directory)) await inLockedDirectory(directory, async () => {});
  const shown = { service, directory, config_file: configFile ?? null };
  const tokenFile = join(directory, 'admin.token');
  // The token file may have been put away since; the database is what makes a directory prepared.
  const isPrepared = existsSync(join(directory, `${service}.db`));
  if (options.ifMissing && isPrepared) return { ...shown, admin_token_file: tokenFile, created: false };
  const { adminTokenFile } =
    service === 'relay'
      ? (await import('@holdfast/relay')).initRelay(directory)
      : (await import('@holdfast/daemon')).initNode(directory);
  return { ...shown, admin_token_file: adminTokenFile, created: true };
}

/**
 * The configuration file in force, written with every key commented out if there is none yet; undefined if there is
 * none and the data goes to a directory of its own choice, which leaves the person's own settings untouched.
 */
function ensureConfigFile(service: ServiceName, options: GlobalOptions): string | undefined {
  const found = findConfigFile(service, options.config, process.env);
  if (found === undefined && options.dataDir !== undefined) return undefined;
  const file = found ?? userConfigFile(service, process.env);
  if (existsSync(file)) return file;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, renderConfigFile(service), { flag: 'wx' });
  return file;
}

const nextSteps: Readonly<Record<ServiceName, readonly string[]>> = {
  relay: [
    'holdfast relay                 run it (or install config/systemd/holdfast-relay.service)',
    'holdfast invite NODE           make a join token for a machine',
    'holdfast status                see what there is',
  ],
  node: [
    'holdfast node                  run it (or install config/systemd/holdfast-node.service)',
    'holdfast agent create NAME     make an agent and its token',
    'holdfast join --relay URL …    enrol at a relay, now or later: nothing waits for it',
  ],
};

function preparedText(prepared: Prepared): string {
  if (!prepared.created) return `${prepared.directory} is prepared already.`;
  return [
    `${paint('green', '✓')} data directory  ${prepared.directory}`,
    `${paint('green', '✓')} admin token     ${prepared.admin_token_file}`,
    `${paint('green', '✓')} configuration   ${prepared.config_file ?? 'defaults'}`,
    '',
    paint('bold', 'Next:'),
    ...nextSteps[prepared.service].map((line) => `  ${line}`),
  ].join('\n');
}
