import { type ConfigOf, type Options, type Origin, resolveConfig, services } from '@holdfast/protocol';
import { parse, YAMLParseError } from 'yaml';

import { defaultDataDirectory, type Environment, findConfigFile, type ServiceName } from './locations.ts';
import { badYaml, readText, unreadable } from './yaml-file.ts';

/** What a command line says about configuration: option key to text, and the file it names. */
export interface Given {
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly file?: string | undefined;
}

/** A service's configuration in force. */
export interface LoadedConfig<Set extends Options> {
  readonly values: ConfigOf<Set>;
  readonly origins: { readonly [Key in keyof Set]: Origin };
  /** The file that was read; undefined if there is none. */
  readonly file: string | undefined;
  /** `data.dir`, or the default it stands for. */
  readonly directory: string;
}

/** The configuration of `service`, by the rules of `resolveConfig`. Throws `bad-configuration`. */
export function loadConfig<Service extends ServiceName>(
  service: Service,
  given: Given,
  environment: Environment,
): LoadedConfig<(typeof services)[Service]> {
  const options: (typeof services)[Service] = services[service];
  const file = findConfigFile(service, given.file, environment);
  const tree: unknown = file === undefined ? undefined : readYaml(file);
  const resolved = resolveConfig(service, options, {
    flags: given.flags,
    environment,
    file: tree,
    fileName: file,
  });
  const dataDir = (resolved.values as ConfigOf<Options>)['data.dir'];
  const directory =
    typeof dataDir === 'string' && dataDir !== '' ? dataDir : defaultDataDirectory(service, environment);
  return { ...resolved, file, directory };
}

function readYaml(file: string): unknown {
  const text = readText(file);
  try {
    return parse(text, { prettyErrors: true });
  } catch (cause) {
    throw cause instanceof YAMLParseError ? badYaml(file, cause) : unreadable(file, cause);
  }
}
