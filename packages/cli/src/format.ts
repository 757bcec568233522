import { Option } from 'commander';

import { CommandError } from './command-error.ts';

const formats = ['table', 'json', 'ndjson', 'csv'] as const;

/** How an answer of many is printed: a table for people; all of it as JSON; or record by record as they come. */
export type Format = (typeof formats)[number];

/** The option that chooses a format. */
export function formatOption(): Option {
  return new Option(
    '--format <format>',
    'table; json, like --json; ndjson or csv: all records as they come, not only a page (default: table)',
  ).choices(formats);
}

/** The format that was chosen; `--json` is another word for one. Throws CommandError if two were. */
export function formatOf({ format, json }: { readonly format?: Format; readonly json?: true }): Format {
  if (json && format !== undefined && format !== 'json') {
    throw new CommandError(`--json contradicts --format ${format}`, 'Choose one of the two.', 2);
  }
  return format ?? (json ? 'json' : 'table');
}
