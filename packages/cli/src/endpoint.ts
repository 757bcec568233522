import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

import { CommandError } from './command-error.ts';
import {
  defaultDataDirectory,
  type Environment,
  findConfigFile,
  type ServiceName,
  systemDataDirectory,
} from './config/locations.ts';
import type { GlobalOptions } from './global-options.ts';

/** Where a service is called and with which token; what is left out is the client's own default. */
export interface Endpoint {
  readonly url?: string;
  readonly token?: string;
  /** Where address and token were looked for, unless both were given. */
  readonly directory?: string;
}

const urlVariables: Readonly<Record<ServiceName, readonly string[]>> = {
  node: ['HOLDFAST_URL', 'HOLDFAST_SOCKET'],
  relay: ['HOLDFAST_RELAY_URL'],
};

const tokenVariables: Readonly<Record<ServiceName, readonly string[]>> = {
  node: ['HOLDFAST_TOKEN', 'HOLDFAST_TOKEN_FILE'],
  relay: ['HOLDFAST_RELAY_TOKEN', 'HOLDFAST_RELAY_TOKEN_FILE'],
};

/**
 * Finds a service: flags over environment over the `service.json` and `admin.token` in its data directory. The admin
 * token of this machine is only ever sent to an address of this machine.
 *
 * Throws CommandError when a token file cannot be read.
 */
export async function findEndpoint(
  service: ServiceName,
  options: GlobalOptions,
  environment: Environment,
): Promise<Endpoint> {
  const hasAddress = isAddressGiven(service, options, environment);
  const isTokenGiven = tokenSource(service, options, environment) !== undefined;
  const directory = hasAddress && isTokenGiven ? undefined : await findDataDirectory(service, options, environment);
  const url = options.url ?? (hasAddress || directory === undefined ? undefined : runningUrl(directory));
  const token = tokenOf(options, { isTokenGiven, directory, address: options.url ?? addressIn(service, environment) });
  return {
    ...(url !== undefined && { url }),
    ...(token !== undefined && { token }),
    ...(directory !== undefined && { directory }),
  };
}

/**
 * Finds a service to call it, see `findEndpoint`. Throws CommandError also when a data directory was told and no service
 * runs on it: whoever listens at the default address is another one, and gets neither calls nor token.
 */
export async function endpointToCall(
  service: ServiceName,
  options: GlobalOptions,
  environment: Environment,
): Promise<Endpoint> {
  const endpoint = await findEndpoint(service, options, environment);
  const told = toldDirectory(service, options, environment);
  if (endpoint.url !== undefined || told === undefined || isAddressGiven(service, options, environment)) {
    return endpoint;
  }
  throw new CommandError(
    `the ${service} of ${told} does not run: there is no service.json in it`,
    `Start it: holdfast ${service} --data-dir ${told}; or say where it is with --url.`,
  );
}

/**
 * The data directory of a service of this machine: as told by flag, variable or file; else the first of the person's
 * own and the system's that holds anything; else the person's own, existing or not.
 */
export async function findDataDirectory(
  service: ServiceName,
  options: GlobalOptions,
  environment: Environment,
): Promise<string> {
  const told = toldDirectory(service, options, environment);
  if (told !== undefined) return told;
  const own = await configuredDirectory(service, options.config, environment);
  const system = systemDataDirectory(service);
  // systemd makes it a symbolic link to where the data is (DynamicUser=).
  return existsSync(own) || !existsSync(system) ? own : realpathSync(system);
}

function toldDirectory(service: ServiceName, options: GlobalOptions, environment: Environment): string | undefined {
  return options.dataDir ?? (environment[`HOLDFAST_${service.toUpperCase()}_DATA_DIR`] || undefined);
}

function isAddressGiven(service: ServiceName, options: GlobalOptions, environment: Environment): boolean {
  return options.url !== undefined || urlVariables[service].some((name) => environment[name]);
}

// The configuration is only loaded, with all that needs, where there is a file that may move the directory.
async function configuredDirectory(
  service: ServiceName,
  named: string | undefined,
  environment: Environment,
): Promise<string> {
  if (findConfigFile(service, named, environment) === undefined) return defaultDataDirectory(service, environment);
  const { loadConfig } = await import('./config/load.ts');
  return loadConfig(service, { flags: {}, file: named }, environment).directory;
}

/** What a running service tells about itself in `service.json`; undefined if none runs or it is not ours to read. */
function runningUrl(directory: string): string | undefined {
  const path = join(directory, 'service.json');
  if (!existsSync(path)) return undefined;
  const described: unknown = JSON.parse(readSecretFile(path));
  if (typeof described !== 'object' || described === null || !('url' in described)) return undefined;
  return typeof described.url === 'string' ? dialable(described.url) : undefined;
}

// A service that listens on every address of the machine is called on loopback.
function dialable(url: string): string {
  return url.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]');
}

/** What gave the token: the flag or the variable; undefined if nothing did, and this machine's admin token is used. */
export function tokenSource(
  service: ServiceName,
  options: GlobalOptions,
  environment: Environment,
): string | undefined {
  return options.tokenFile === undefined ? tokenVariables[service].find((name) => environment[name]) : '--token-file';
}

interface TokenSources {
  readonly isTokenGiven: boolean;
  readonly directory: string | undefined;
  readonly address: string | undefined;
}

function tokenOf(options: GlobalOptions, sources: TokenSources): string | undefined {
  if (options.tokenFile !== undefined) return readSecretFile(options.tokenFile);
  if (sources.isTokenGiven || sources.directory === undefined) return undefined;
  if (sources.address !== undefined && !isOfThisMachine(sources.address)) return undefined;
  const path = join(sources.directory, 'admin.token');
  return existsSync(path) ? readSecretFile(path) : undefined;
}

function addressIn(service: ServiceName, environment: Environment): string | undefined {
  const [urlVariable] = urlVariables[service];
  return urlVariable === undefined ? undefined : environment[urlVariable] || undefined;
}

function isOfThisMachine(address: string): boolean {
  return URL.canParse(address) && ['127.0.0.1', '[::1]', 'localhost'].includes(new URL(address).hostname);
}

/** The text of a file that holds a secret, without white space around it. Throws CommandError. */
export function readSecretFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    const remedy =
      code === 'EACCES'
        ? 'Run this as the user of the service (or with sudo), or name your own token with --token-file.'
        : 'Check the path.';
    throw new CommandError(`${path} cannot be read (${code})`, remedy);
  }
}
