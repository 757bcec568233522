import { existsSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** One of the two services. */
export type ServiceName = 'node' | 'relay';

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the units of `config/systemd` keep their data; their service runs as another user than the operator. */
export function systemDataDirectory(service: ServiceName): string {
  return join('/var/lib/holdfast', service);
}

/**
 * Where a service's data lives when nothing says otherwise: $STATE_DIRECTORY (systemd; symbolic links resolved,
 * because the data directory itself may not be one), else $XDG_STATE_HOME, else ~/.local/state.
 */
export function defaultDataDirectory(service: ServiceName, environment: Environment): string {
  const given = environment['STATE_DIRECTORY']?.split(':', 1)[0];
  if (given) return existsSync(given) ? realpathSync(given) : given;
  const base = environment['XDG_STATE_HOME'] || join(homeOf(environment), '.local/state');
  return join(base, 'holdfast', service);
}

/** The file `init` writes for a person of their own; systemd and /etc come before it. */
export function userConfigFile(service: ServiceName, environment: Environment): string {
  const base = environment['XDG_CONFIG_HOME'] || join(homeOf(environment), '.config');
  return join(base, 'holdfast', `${service}.yaml`);
}

/**
 * The configuration file in force: the one named by `--config` or HOLDFAST_NODE_CONFIG (HOLDFAST_RELAY_CONFIG),
 * whether it exists or not; else the first that exists of $CONFIGURATION_DIRECTORY, /etc/holdfast and
 * $XDG_CONFIG_HOME/holdfast; else none.
 */
export function findConfigFile(
  service: ServiceName,
  named: string | undefined,
  environment: Environment,
): string | undefined {
  const told = named ?? (environment[`HOLDFAST_${service.toUpperCase()}_CONFIG`] || undefined);
  if (told !== undefined) return told;
  const systemd = environment['CONFIGURATION_DIRECTORY']?.split(':', 1)[0];
  const candidates = [
    ...(systemd ? [join(systemd, `${service}.yaml`)] : []),
    join('/etc/holdfast', `${service}.yaml`),
    userConfigFile(service, environment),
  ];
  return candidates.find((path) => existsSync(path));
}

function homeOf(environment: Environment): string {
  return environment['HOME'] || homedir();
}
