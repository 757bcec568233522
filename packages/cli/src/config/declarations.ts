import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { HoldfastError, isHoldfastError, type Json, readDeclaration } from '@holdfast/protocol';
import { parseAllDocuments } from 'yaml';

/** A collection as a file declares it. */
export interface FileDeclaration {
  readonly name: string;
  readonly declaration: Json;
}

/**
 * The collections that the YAML (or JSON) files of a folder declare, in the order of their names; none if there is no such
 * folder. Throws `bad-configuration` that names the file.
 */
export function declarationsIn(directory: string): FileDeclaration[] {
  if (!existsSync(directory)) return [];
  const files = readdirSync(directory).filter((file) => /\.(?:ya?ml|json)$/.test(file));
  const found = files.toSorted().flatMap((file) => checkedDeclarationsOf(join(directory, file)));
  const names = found.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw bad(directory, `"${twice}" is declared twice`);
  return found;
}

function checkedDeclarationsOf(path: string): FileDeclaration[] {
  const declarations = declarationsOf(path);
  for (const { name, declaration } of declarations) {
    try {
      readDeclaration(name, declaration);
    } catch (error) {
      throw isHoldfastError(error) ? bad(path, error.message) : error;
    }
  }
  return declarations;
}

/** The collections a YAML (or JSON) file declares: one a document, each with its `name`. Throws `bad-configuration`. */
export function declarationsOf(path: string): FileDeclaration[] {
  const documents = parseAllDocuments(read(path));
  return [...documents].map((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      const what = error.message.split(' at line', 1)[0] ?? error.code;
      throw bad(path, `line ${error.linePos?.[0].line ?? '?'}: ${what}`);
    }
    const value = document.toJS() as Json;
    if (typeof value !== 'object' || value === null || !('name' in value) || typeof value.name !== 'string')
      throw bad(path, 'each document in it declares a collection, and begins with its name: name: leads');
    const { name, ...declaration } = value;
    return { name, declaration };
  });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    throw new HoldfastError('bad-configuration', `${path} cannot be read (${reason})`, { cause });
  }
}

function bad(path: string, what: string): HoldfastError {
  return new HoldfastError('bad-configuration', `${path}: ${what}`);
}
