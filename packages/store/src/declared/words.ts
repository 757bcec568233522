import type { Database } from '@holdfast/sqlite';

/** The SQL function of a text that gives it with its words apart, once `addWords` has made it. */
export const WORDS_FUNCTION = 'holdfast_words';

// Scripts written without spaces between words.
const UNSPACED = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}]/u;
const EACH_UNSPACED = new RegExp(UNSPACED, 'gu');

/**
 * A text with its words apart: where a script has no spaces, each character stands for itself, and a word of several is found
 * as a phrase of them.
 */
export function wordsOf(text: string): string {
  return UNSPACED.test(text) ? text.replaceAll(EACH_UNSPACED, ' $& ') : text;
}

const taught = new WeakSet<Database>();

/** Teaches a connection `wordsOf`, once. */
export function addWords(database: Database): void {
  if (taught.has(database)) return;
  taught.add(database);
  database.function(WORDS_FUNCTION, { deterministic: true }, (text: unknown) =>
    typeof text === 'string' ? wordsOf(text) : null,
  );
}
