import { type CacheClassName, cacheClassNames, type Invalidation } from '@holdfast/protocol';
import type { Holdfast } from '@holdfast/client';
import { Command, Option } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { CommandError } from '../command-error.ts';
import { readJson } from '../json-input.ts';
import { parseWholeNumber } from '../option-values.ts';
import { withDaemon } from '../services.ts';
import { renderTable } from '../table.ts';
import { countText, durationText, NOTHING } from '../wording.ts';

/** `holdfast cache`: what an agent has computed, for a time. */
export function cacheCommand(): Command {
  const command = new Command('cache').description(
    "The agent's cache: read, put, remove and invalidate values; see how often they are found.",
  );
  command
    .addCommand(getCommand())
    .addCommand(putCommand())
    .addCommand(deleteCommand())
    .addCommand(invalidateCommand())
    .addCommand(figuresCommand());
  return withExamples(
    command,
    `cache put weather:lisbon '{"celsius":21}' --ttl 300 --tags weather --agent recruiter`,
    'cache get weather:lisbon --agent recruiter',
    'cache invalidate --tag weather --agent recruiter',
  );
}

function getCommand(): Command {
  const command = new Command('get')
    .description('Print a cached value. Ends with 1 if it is not there.')
    .argument('<key>', 'what it was put under');
  withAction<object>(command, async ({ args: [key = ''], options, output }) => {
    const value = await withDaemon(options, (holdfast) => holdfast.cache.get(key));
    output.answer({ value }, () => (value === undefined ? 'not cached' : JSON.stringify(value, null, 2)));
    return value === undefined ? 1 : 0;
  });
  return withExamples(command, 'cache get weather:lisbon --agent recruiter');
}

interface PutFlags {
  readonly class?: CacheClassName;
  readonly ttl?: string;
  readonly tags?: string;
  readonly collections?: string;
}

function putCommand(): Command {
  const command = new Command('put')
    .description('Cache a value for a time.')
    .argument('<key>', 'what it is found under')
    .argument('[value]', 'the value as JSON, @file, or - for stdin')
    .addOption(new Option('--class <class>', 'what kind of value it is (default: default)').choices(cacheClassNames))
    .option('--ttl <seconds>', 'how long it is kept, whatever its class')
    .option('--tags <tags>', 'to be invalidated by, with commas')
    .option('--collections <names>', 'what it was computed from, with commas: a write there invalidates it');
  withAction<PutFlags>(command, async ({ args: [key = '', text], options, output }) => {
    const value = await readJson(text, 'the value');
    const { class: className, ttl, tags, collections } = options;
    const wish = {
      class: className,
      ttl: ttl === undefined ? undefined : parseWholeNumber(ttl, '--ttl'),
      tags: tags?.split(','),
      collections: collections?.split(','),
    };
    await withDaemon(options, (holdfast) => holdfast.cache.put(key, value, wish));
    output.answer({ key }, () => `${key} cached`);
  });
  return withExamples(command, `cache put report '{"open":12}' --class query --collections tasks --agent recruiter`);
}

function deleteCommand(): Command {
  const command = new Command('delete')
    .description('Remove a cached value, if it is there.')
    .argument('<key>', 'what it was put under');
  withAction<object>(command, async ({ args: [key = ''], options, output }) => {
    await withDaemon(options, (holdfast) => holdfast.cache.delete(key));
    output.answer({ key }, () => `${key} is not cached any more`);
  });
  return withExamples(command, 'cache delete weather:lisbon --agent recruiter');
}

interface InvalidateFlags {
  readonly tag?: string;
  readonly prefix?: string;
  readonly collection?: string;
}

function invalidateCommand(): Command {
  const command = new Command('invalidate')
    .description('Remove all values of a group: one of the three is named.')
    .option('--tag <tag>', 'values put with this tag')
    .option('--prefix <text>', 'values whose key begins so')
    .option('--collection <name>', 'values that depend on this collection');
  withAction<InvalidateFlags>(command, async ({ options, output }) => {
    const which = invalidationOf(options);
    await withDaemon(options, (holdfast) => holdfast.cache.invalidate(which));
    output.answer(which, () => 'invalidated');
  });
  return withExamples(command, 'cache invalidate --prefix weather: --agent recruiter');
}

function invalidationOf({ tag, prefix, collection }: InvalidateFlags): Invalidation {
  const which = {
    ...(tag !== undefined && { tag }),
    ...(prefix !== undefined && { prefix }),
    ...(collection !== undefined && { collection }),
  };
  if (Object.keys(which).length === 1) return which;
  throw new CommandError('one group is to be named', 'Give one of --tag, --prefix and --collection.', 2);
}

function figuresCommand(): Command {
  const command = new Command('figures').description('How often values were found since the daemon started, by class.');
  withAction<object>(command, async ({ options, output }) => {
    const classes = await withDaemon(options, (holdfast) => holdfast.cache.figures());
    output.answer({ classes }, () => figuresText(classes));
  });
  return withExamples(command, 'cache figures --agent recruiter');
}

function figuresText(classes: Awaited<ReturnType<Holdfast['cache']['figures']>>): string {
  const rows = Object.entries(classes).map(([name, figures]) => [
    name,
    durationText(figures.ttl_seconds),
    countText(figures.memory_hits),
    countText(figures.disk_hits),
    countText(figures.shared),
    countText(figures.misses),
    figures.hit_rate === null ? NOTHING : `${Math.round(figures.hit_rate * 100)} %`,
  ]);
  const figureColumns = ['memory', 'disk', 'shared', 'misses', 'found'].map((title) => ({
    title,
    align: 'right' as const,
  }));
  return renderTable([{ title: 'class' }, { title: 'kept' }, ...figureColumns], rows);
}
