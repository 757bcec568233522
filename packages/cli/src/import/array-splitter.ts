const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_SQUARE = 0x5b;
const CLOSE_SQUARE = 0x5d;
const OPEN_CURLY = 0x7b;
const CLOSE_CURLY = 0x7d;

/** The text of one item, or why there is none. */
export type Piece = { readonly text: string } | { readonly problem: string };

/**
 * Cuts the text of a JSON array into the texts of its items as it comes in, so that only one item is held at a time.
 * Items are not parsed: a broken one whose brackets match spoils nothing after it.
 */
export class ArraySplitter {
  readonly #longest: number;
  #depth = 1;
  #isInString = false;
  #isEscaped = false;
  #isDone = false;
  #kept = '';
  #isTooLong = false;
  #count = 0;

  /** `longest`: length of an item, in UTF-16 code units, beyond which it is dropped with a problem. */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** The items that end within `chunk`. The first chunk begins behind the array's opening bracket. */
  push(chunk: string): readonly Piece[] {
    const pieces: Piece[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      if (this.#isDone) break;
      const code = chunk.charCodeAt(at);
      if (this.#isInString) {
        this.#stepInString(code);
      } else if (this.#endsItem(code)) {
        this.#keep(chunk.slice(start, at));
        this.#take(pieces, this.#isDone);
        start = at + 1;
      }
    }
    if (!this.#isDone) this.#keep(chunk.slice(start));
    return pieces;
  }

  /** What is wrong at the end of the text; undefined if the array was closed. */
  end(): string | undefined {
    return this.#isDone ? undefined : 'the file ends within the array';
  }

  #stepInString(code: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (code === BACKSLASH) this.#isEscaped = true;
    else if (code === QUOTE) this.#isInString = false;
  }

  #endsItem(code: number): boolean {
    if (code === QUOTE) this.#isInString = true;
    else if (code === OPEN_SQUARE || code === OPEN_CURLY) this.#depth += 1;
    else if (code === CLOSE_SQUARE || code === CLOSE_CURLY) {
      this.#depth -= 1;
      this.#isDone = this.#depth === 0;
    }
    return this.#isDone || (code === COMMA && this.#depth === 1);
  }

  #keep(text: string): void {
    this.#isTooLong ||= this.#kept.length + text.length > this.#longest;
    this.#kept = this.#isTooLong ? '' : this.#kept + text;
  }

  #take(pieces: Piece[], isLast: boolean): void {
    const text = this.#kept.trim();
    const isEmptyArray = isLast && text === '' && this.#count === 0 && !this.#isTooLong;
    if (!isEmptyArray) pieces.push(this.#isTooLong ? { problem: `longer than ${this.#longest} characters` } : { text });
    this.#count += 1;
    this.#kept = '';
    this.#isTooLong = false;
  }
}
