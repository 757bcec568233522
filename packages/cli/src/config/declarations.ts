import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { type Declaration, HoldfastError, isHoldfastError, type Json, readDeclaration } from '@holdfast/protocol';
import { parseAllDocuments } from 'yaml';

import { badYaml, readText } from './yaml-file.ts';

/** A collection as a file declares it; `Read`: once that was understood. */
interface FileDeclaration<Read = Json> {
  readonly name: string;
  readonly declaration: Read;
}

type NamedDeclaration = FileDeclaration<Declaration>;

/**
 * The collections that the YAML (or JSON) files of a folder declare, in the order of their names; none if there is no such
 * folder. Throws `bad-configuration` that names the file.
 */
export function declarationsIn(directory: string): NamedDeclaration[] {
  if (!existsSync(directory)) return [];
  const files = readdirSync(directory).filter((file) => /\.(?:ya?ml|json)$/.test(file));
  const found = files.toSorted().flatMap((file) => checkedDeclarationsOf(join(directory, file)));
  const names = found.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw bad(directory, `"${twice}" is declared twice`);
  return found;
}

function checkedDeclarationsOf(path: string): NamedDeclaration[] {
  return declarationsOf(path).map(({ name, declaration }) => {
    try {
      return { name, declaration: readDeclaration(name, declaration) };
    } catch (error) {
      throw isHoldfastError(error) ? bad(path, error.message) : error;
    }
  });
}

/** The collections a YAML (or JSON) file declares: one a document, each with its `name`. Throws `bad-configuration`. */
export function declarationsOf(path: string): FileDeclaration[] {
  const documents = parseAllDocuments(readText(path));
  return [...documents].map((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      throw badYaml(path, error);
    }
    const value = document.toJS() as Json;
    if (typeof value !== 'object' || value === null || !('name' in value) || typeof value.name !== 'string')
      throw bad(path, 'each document in it declares a collection, and begins with its name: name: leads');
    const { name, ...declaration } = value;
    return { name, declaration };
  });
}

function bad(path: string, what: string): HoldfastError {
  return new HoldfastError('bad-configuration', `${path}: ${what}`);
}
