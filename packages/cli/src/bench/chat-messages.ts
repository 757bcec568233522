import { chance, wordOf } from './made-up.ts';
import { sampleNumber } from './sample-document.ts';

const WORDS_EACH = 40;
const WORDS = 20_000;
const MESSAGES_OF_THREAD = 20;
const SEARCHES = 60;

/** A message's document as JSON text, about 350 bytes. Words are as unequally frequent as in a language. */
export function messageDocument(index: number): string {
  return JSON.stringify({
    thread: `thread-${sampleNumber(Math.floor(index / MESSAGES_OF_THREAD))}`,
    index: index % MESSAGES_OF_THREAD,
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: Array.from({ length: WORDS_EACH }, (_, place) => wordOf(rankOf(chance(index, place)))).join(' '),
  });
}

/** What is searched for, one after the other: a rare word, a frequent one with another, the begin of words. */
export const searches: readonly string[] = Array.from({ length: SEARCHES }, (_, number) => {
  const [rare, frequent, other] = [wordOf(2000 + number * 30), wordOf(20 + number), wordOf(100 + number * 5)];
  return [rare, `${frequent} ${other}`, `${rare.slice(0, -1)}*`][number % 3] ?? rare;
});

// The word of a rank stands about as often as 1/rank says (Zipf).
function rankOf(share: number): number {
  return Math.floor(WORDS ** share) - 1;
}
