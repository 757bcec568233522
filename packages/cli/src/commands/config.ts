import { environmentOf, flagOf, type Option, optionText, services } from '@holdfast/protocol';
import { Argument, Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { loadConfig } from '../config/load.ts';
import type { ServiceName } from '../config/locations.ts';
import type { GlobalOptions } from '../global-options.ts';
import { paint } from '../output.ts';
import { renderTable } from '../table.ts';

interface ShownValue {
  readonly value: Option['default'];
  readonly origin: string;
}

interface ShownConfig {
  readonly file: string | null;
  readonly directory: string;
  readonly values: Readonly<Record<string, ShownValue>>;
}

/** `holdfast config`. */
export function configCommand(): Command {
  const command = new Command('config')
    .description('Show each configuration value and where it came from: flag, environment, file or default.')
    .addArgument(new Argument('[service]', 'only this service').choices(['node', 'relay']));
  withAction<object>(command, async ({ args: [service], options, output }) => {
    const wanted: readonly ServiceName[] = service === 'node' || service === 'relay' ? [service] : ['node', 'relay'];
    const shown = wanted.map((name) => [name, configOf(name, options)] as const);
    output.answer(Object.fromEntries(shown), () =>
      shown.map(([name, config]) => configText(name, config)).join('\n\n'),
    );
  });
  return withExamples(command, 'config', 'config node --config ./node.yaml --json');
}

function configOf(service: ServiceName, options: GlobalOptions): ShownConfig {
  const given = { flags: { 'data.dir': options.dataDir }, file: options.config };
  const loaded = loadConfig(service, given, process.env);
  const values: Readonly<Record<string, Option['default']>> = loaded.values;
  const origins: Readonly<Record<string, string>> = loaded.origins;
  const shown = Object.entries<Option>(services[service]).map(([key, option]): [string, ShownValue] => {
    const value = values[key] ?? option.default;
    return [key, { value: option.secret && value !== '' ? '***' : value, origin: origins[key] ?? 'default' }];
  });
  return { file: loaded.file ?? null, directory: loaded.directory, values: Object.fromEntries(shown) };
}

function configText(service: ServiceName, config: ShownConfig): string {
  const rows = Object.entries(config.values).map(([key, { value, origin }]) => [
    key,
    optionText(value),
    origin === 'default' ? paint('dim', origin) : paint('cyan', originText(service, key, origin)),
  ]);
  const head = [
    `${paint('bold', service)}  ${paint('dim', 'file')} ${config.file ?? 'none'}  ${paint('dim', 'data')} ${config.directory}`,
  ];
  return [...head, renderTable([{ title: 'key' }, { title: 'value' }, { title: 'from' }], rows)].join('\n');
}

function originText(service: ServiceName, key: string, origin: string): string {
  if (origin === 'environment') return environmentOf(service, key);
  return origin === 'flag' ? flagOf(key) : origin;
}
