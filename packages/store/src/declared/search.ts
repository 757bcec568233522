import { HoldfastError, limits } from '@holdfast/protocol';

import { wordsOf } from './words.ts';

const TERM = /"([^"]*)"|(\S+)/g;
/** What a word is made of, for the tokenizer as for us. */
const WORD_CHARACTER = /[\p{L}\p{N}\p{Co}]/u;

/**
 * The full-text query (FTS5) of what a person typed: all words and "phrases in quotes" must be there, `wo*` finds every word that
 * begins so. Nothing else has a meaning. Throws `invalid-request` when there is no word in it, or too many.
 */
export function matchOf(search: string, collection: string | undefined): string {
  const terms = [...search.matchAll(TERM)].flatMap(([, phrase, word]) =>
    termOf(phrase ?? word ?? '', phrase === undefined),
  );
  if (terms.length === 0) throw refused('there is no word in it');
  if (terms.length > limits.searchTerms) throw refused(`at most ${limits.searchTerms} words and phrases`);
  const body = `body : (${terms.join(' AND ')})`;
  return collection === undefined ? body : `owner : ${quoted(collection)} AND ${body}`;
}

function termOf(text: string, isWord: boolean): string[] {
  const isPrefix = isWord && text.endsWith('*');
  const words = wordsOf(isPrefix ? text.slice(0, -1) : text);
  if (!WORD_CHARACTER.test(words)) return [];
  return [quoted(words) + (isPrefix ? ' *' : '')];
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

function refused(message: string): HoldfastError {
  return new HoldfastError('invalid-request', `search: ${message}`, { issues: [{ path: 'search', message }] });
}
