import { join } from 'node:path';

import { flagOf, type Option as ConfigOption, optionText, services } from '@holdfast/protocol';
import { Command, Option } from 'commander';
import type { Logger } from 'pino';

import { type Call, withAction, withExamples } from '../action.ts';
import { declarationsIn } from '../config/declarations.ts';
import { loadConfig } from '../config/load.ts';
import type { ServiceName } from '../config/locations.ts';
import { enrolIfNew, readInvitation } from '../service/enrol.ts';
import { makeLog } from '../service/log.ts';
import { makeNotify } from '../service/notify.ts';
import { runService, type Running } from '../service/run.ts';
import { cliVersion } from '../version.ts';
import { reidentifyCommand } from './reidentify.ts';

/** Flags as commander names them, by attribute name. */
type ServeFlags = Readonly<Record<string, string | undefined>>;

/** `holdfast node` and `holdfast relay`: run the service in the foreground. */
export function serveCommand(service: ServiceName): Command {
  const what = service === 'node' ? "this machine's daemon" : 'the relay';
  const command = new Command(service).description(
    `Run ${what} in the foreground, until SIGTERM or ctrl-c. Every configuration key has its flag.`,
  );
  const options = flagsOf(service);
  for (const { option } of options) command.addOption(option);
  if (service === 'node') command.addCommand(reidentifyCommand());
  withAction<ServeFlags>(command, async (call) => {
    const flags = Object.fromEntries(options.map(({ key, option }) => [key, call.options[option.attributeName()]]));
    await serve(service, call, { 'data.dir': call.options.dataDir, ...flags });
  });
  return withExamples(command, service, `${service} --data-dir ./${service} --listen-port 0 --log-level debug`);
}

/** A flag for each key; `--data-dir` is a global option already. */
function flagsOf(service: ServiceName): readonly { readonly key: string; readonly option: Option }[] {
  return Object.entries<ConfigOption>(services[service])
    .filter(([key]) => key !== 'data.dir')
    .map(([key, { help, default: preset }]) => {
      const shown = optionText(preset);
      return { key, option: new Option(`${flagOf(key)} <value>`, shown === '' ? help : `${help} (default: ${shown})`) };
    });
}

async function serve(service: ServiceName, call: Call<ServeFlags>, flags: ServeFlags): Promise<void> {
  const given = { flags, file: call.options.config };
  const notify = makeNotify(process.env);
  // A log that nobody reads any more must not end the service.
  process.stdout.removeAllListeners('error').on('error', () => {});
  if (service === 'relay') {
    const { values: config, directory } = loadConfig('relay', given, process.env);
    const log = makeLog(config);
    const start = async (): Promise<Running> => {
      const { startRelay } = await import('@holdfast/relay');
      return startRelay({ config, directory, log, version: cliVersion });
    };
    return runService(start, { log, notify, process, exit: (code) => process.exit(code) });
  }
  const { values: config, directory } = loadConfig('node', given, process.env);
  const log = makeLog(config);
  const start = async (): Promise<Running> => {
    const invitation = readInvitation(process.env);
    const { startDaemon } = await import('@holdfast/daemon');
    const declarations = declarationsIn(config['collections.directory'] || join(directory, 'collections'));
    const running = await startDaemon({ config, directory, log, declarations, version: cliVersion });
    if (invitation) void enrol({ url: running.url, directory }, invitation, log);
    return running;
  };
  return runService(start, { log, notify, process, exit: (code) => process.exit(code) });
}

// A node serves its agents whether it is enrolled or not: a failure is for the log, and for the next start.
async function enrol(
  service: Parameters<typeof enrolIfNew>[0],
  invitation: Parameters<typeof enrolIfNew>[1],
  log: Logger,
): Promise<void> {
  try {
    const node = await enrolIfNew(service, invitation);
    if (node !== undefined) log.info({ node, relay: invitation.relay }, 'enrolled by invitation');
  } catch (error) {
    log.error({ err: error }, 'the invitation did not enrol this node; serving without a relay');
  }
}
