import { environmentOf, flagOf, type Option } from './options.ts';
import { services } from './services.ts';

/**
 * The configuration file of a service as it ships: every key with its help and default, all commented out, so that
 * the file changes nothing until a line is uncommented and new defaults reach old installations.
 * `config/<service>.yaml` is this text, and the gate compares them.
 */
export function renderConfigFile(service: keyof typeof services): string {
  const sections = Map.groupBy(Object.entries<Option>(services[service]), ([key]) => key.split('.', 1)[0] ?? key);
  const example = flagOf('listen.port');
  const head = [
    `# Configuration of the Holdfast ${service}. Each key stands here with its default; take away the "#" to change one.`,
    `# An unknown key is an error. Flags (${example}) and variables (${environmentOf(service, 'listen.port')}) win over this file;`,
    `# \`holdfast config ${service}\` shows what is in force and where each value came from.`,
    '# Keys may also be written nested: "listen:" with "port: 8000" under it.',
  ];
  const blocks = [...sections.values()].map((entries) =>
    entries
      .map(([key, option]) => `# ${option.help}${bounds(option)}.\n#${key}: ${yamlValue(option.default)}`)
      .join('\n'),
  );
  return `${[head.join('\n'), ...blocks].join('\n\n')}\n`;
}

/** The values an option takes, as the end of its help. */
function bounds(option: Option): string {
  if (option.choices) return ` (one of ${option.choices.join(', ')})`;
  if (option.min !== undefined && option.max !== undefined) return ` (${option.min} to ${option.max})`;
  if (option.min !== undefined) return ` (${option.min} or more)`;
  if (option.max !== undefined) return ` (at most ${option.max})`;
  return '';
}

function yamlValue(value: Option['default']): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return /^[a-z]+$/.test(value) ? value : JSON.stringify(value);
  if (!Array.isArray(value)) return JSON.stringify(value);
  return `[${value.map((item: string) => JSON.stringify(item)).join(', ')}]`;
}
