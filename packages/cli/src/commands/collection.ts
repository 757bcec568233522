import type { CollectionInfo } from '@holdfast/client';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { CommandError } from '../command-error.ts';
import { paint } from '../output.ts';
import { withDaemon } from '../services.ts';
import { renderTable } from '../table.ts';
import { countText } from '../wording.ts';

/** `holdfast collection`: an agent's collections and what is declared of them. */
export function collectionCommand(): Command {
  const command = new Command('collection').description('Collections of an agent, and what is declared of them.');
  command
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(declareCommand())
    .addCommand(undeclareCommand());
  return withExamples(command, 'collection list --agent recruiter', 'collection declare leads.yaml --agent recruiter');
}

function listCommand(): Command {
  const command = new Command('list').description('List collections: built in, declared, and begun by a record.');
  withAction<object>(command, async ({ options, output }) => {
    const collections = await withDaemon(options, (holdfast) => holdfast.collections.list());
    output.answer({ collections }, () => listText(collections));
  });
  return withExamples(command, 'collection list --agent recruiter');
}

function showCommand(): Command {
  const command = new Command('show')
    .description('Show what is declared of a collection.')
    .argument('<name>', "the collection's name");
  withAction<object>(command, async ({ args: [name = ''], options, output }) => {
    const collection = await withDaemon(options, (holdfast) => holdfast.collections.get(name));
    if (collection === undefined) throw new CommandError(`there is no collection "${name}"`, LISTS);
    const { stringify } = await import('yaml');
    output.answer(collection, () => stringify({ name, ...(collection.declaration as object | undefined) }));
  });
  return withExamples(command, 'collection show candidates --agent recruiter');
}

function declareCommand(): Command {
  const command = new Command('declare')
    .description('Declare the collections of a YAML or JSON file: one a document, each with its name.')
    .argument('<file>', 'the file');
  withAction<object>(command, async ({ args: [path = ''], options, output }) => {
    const { declarationsOf } = await import('../config/declarations.ts');
    const declarations = declarationsOf(path);
    const declared = await withDaemon(options, async (holdfast) => {
      const answers: { readonly name: string; readonly version: string }[] = [];
      for (const { name, declaration } of declarations) {
        const { version } = await holdfast.collections.declare(name, declaration as object);
        answers.push({ name, version });
      }
      return answers;
    });
    output.answer({ declared }, () =>
      declared.map(({ name, version }) => `${name} declared, version ${version}`).join('\n'),
    );
  });
  return withExamples(command, 'collection declare leads.yaml --agent recruiter');
}

function undeclareCommand(): Command {
  const command = new Command('undeclare')
    .description('Take a declaration back: the collection is free-form then; its records stay.')
    .argument('<name>', "the collection's name");
  withAction<object>(command, async ({ args: [name = ''], options, output }) => {
    const answer = await withDaemon(options, (holdfast) => holdfast.collections.undeclare(name));
    if (answer === undefined) throw new CommandError(`"${name}" is not declared by this agent`, LISTS);
    output.answer({ name, version: answer.version }, () => `${name} is free-form now`);
  });
  return withExamples(command, 'collection undeclare leads --agent recruiter');
}

const LISTS = 'See those there are: holdfast collection list.';

function listText(collections: readonly CollectionInfo[]): string {
  const rows = collections.map(({ name, kind, records, help }) => [
    name,
    kind,
    records === null ? 'not known' : countText(records),
    paint('dim', help),
  ]);
  return renderTable(
    [{ title: 'collection' }, { title: 'kind' }, { title: 'records', align: 'right' }, { title: '' }],
    rows,
  );
}
