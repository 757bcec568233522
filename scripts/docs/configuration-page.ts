import type { Option, Options } from '@holdfast/protocol';

import { code, page, type Protocol, table } from './page.ts';

/** `docs/configuration.md`: every option of both services. */
export function configurationPage(protocol: Protocol): string {
  const sections = Object.entries<Options>(protocol.services).flatMap(([service, options]) => {
    return [`## ${service}`, serviceTable(protocol, service, options)];
  });
  return page('Configuration', [
    'A flag wins over an environment variable, that over the YAML file, that over the default. Keys nest in YAML: ' +
      '`listen.port` is `port` under `listen`. An unknown key is an error. `holdfast config` shows each value in force ' +
      'and where it came from.',
    ...sections,
  ]);
}

function serviceTable(protocol: Protocol, service: string, options: Options): string {
  const { environmentOf, flagOf } = protocol;
  const rows = Object.entries(options).map(([key, option]) => {
    return [
      code(key),
      defaultText(protocol, option),
      `${option.help}.${range(option)}`,
      `${code(flagOf(key))} ${code(environmentOf(service, key))}`,
    ];
  });
  return table(['key', 'default', 'meaning', 'flag, variable'], rows);
}

function defaultText({ optionText }: Protocol, { default: value, secret }: Option): string {
  if (secret) return '';
  const text = optionText(value);
  return text === '' ? 'empty' : code(text);
}

function range({ choices, min, max }: Option): string {
  if (choices !== undefined) return ` One of ${choices.map(code).join(', ')}.`;
  if (min !== undefined && max !== undefined) return ` From ${min} to ${max}.`;
  if (min !== undefined) return ` At least ${min}.`;
  return max === undefined ? '' : ` At most ${max}.`;
}
