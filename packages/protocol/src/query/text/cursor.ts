import { HoldfastError } from '../../errors.ts';
import { didYouMean } from '../../nearest.ts';
import { type Token, tokensOf } from './tokens.ts';

const MAX_CHARACTERS = 10_000;

/** Goes through a query's text, piece by piece. */
export class TextCursor {
  readonly #text: string;
  readonly #tokens: readonly (Token | undefined)[];
  #next = 0;

  /** Throws `invalid-request` for a text that is too long. */
  constructor(text: string) {
    if (text.length > MAX_CHARACTERS) throw refused(`longer than ${MAX_CHARACTERS} characters`, 0);
    this.#text = text;
    this.#tokens = tokensOf(text);
  }

  /** The next piece; `ahead`: one further on. Throws `invalid-request` where nothing can be made of the text. */
  peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)];
    if (token !== undefined) return token;
    const before = this.#tokens[this.#tokens.length - 2];
    const at = before === undefined ? 0 : before.at + before.text.length;
    throw refused(`cannot read what begins with ${this.#shown(at)}`, at);
  }

  /** Takes the next piece. */
  take(): Token {
    const token = this.peek();
    this.#next += 1;
    return token;
  }

  /** Whether these words or signs come next. */
  isNext(...texts: readonly string[]): boolean {
    return texts.every((text, index) => is(this.peek(index), text));
  }

  /** Takes these words or signs if they come next, all of them. */
  takes(...texts: readonly string[]): boolean {
    if (!this.isNext(...texts)) return false;
    this.#next += texts.length;
    return true;
  }

  /** Takes one of these if it comes next. */
  takesOneOf<Text extends string>(texts: readonly Text[]): Text | undefined {
    const found = texts.find((text) => this.isNext(text));
    if (found !== undefined) this.#next += 1;
    return found;
  }

  /** Takes a word or sign that must come next. Throws `invalid-request`. */
  require(text: string): void {
    if (!this.takes(text)) throw this.expected(`"${text}"`);
  }

  /** One or more, with commas between them. */
  list<Item>(item: () => Item): Item[] {
    const items = [item()];
    while (this.takes(',')) items.push(item());
    return items;
  }

  /** What to throw when something else was expected here; `words`: what may have been meant. */
  expected(what: string, words: readonly string[] = []): HoldfastError {
    const { kind, text, at } = this.peek();
    const near = kind === 'word' && !words.includes(text) ? didYouMean(text.toLowerCase(), words) : '';
    const found = kind === 'end' ? 'it ends there' : `there is ${this.#shown(at)}${near}`;
    return refused(`expected ${what}, and ${found}`, at);
  }

  #shown(at: number): string {
    const rest = this.#text.slice(at).trim();
    return JSON.stringify(rest.length > 20 ? `${rest.slice(0, 20)}…` : rest);
  }
}

function is({ kind, text }: Token, wanted: string): boolean {
  return (kind === 'word' && text.toLowerCase() === wanted) || (kind === 'sign' && text === wanted);
}

function refused(message: string, at: number): HoldfastError {
  const issue = `${message} (at character ${at + 1})`;
  return new HoldfastError('invalid-request', `query: ${issue}`, { issues: [{ path: 'query', message: issue }] });
}
