import type { Operation } from '@holdfast/protocol';

type Step = IteratorResult<Operation>;

/** Characters gathered into one piece of the body, at most; one operation may go over. */
const PIECE_CHARS = 64 * 1024;

/**
 * Operations as an NDJSON body. Pulled by whoever sends it, so the operations are asked for no faster than the network takes
 * them; those that come at once travel together, and one that comes alone does not wait for the next.
 */
export class OperationLines {
  readonly body: ReadableStream<Uint8Array>;
  readonly #iterator: AsyncIterator<Operation> | Iterator<Operation>;
  readonly #isAsync: boolean;
  readonly #onPiece: () => void;
  #pending: Promise<Step> | undefined;
  #sent = 0;
  #isFinished = false;
  #failure: { readonly error: unknown } | undefined;

  /** `onPiece` is called whenever a piece goes out, and when the operations fail. */
  constructor(operations: AsyncIterable<Operation> | Iterable<Operation>, onPiece: () => void) {
    this.#isAsync = Symbol.asyncIterator in operations;
    this.#iterator =
      Symbol.asyncIterator in operations ? operations[Symbol.asyncIterator]() : operations[Symbol.iterator]();
    this.#onPiece = onPiece;
    const encoder = new TextEncoder();
    this.body = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const text = await this.#piece();
          if (text !== '') controller.enqueue(encoder.encode(text));
          if (this.#isFinished) controller.close();
          this.#onPiece();
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** Operations sent so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Whether the operations came to their end, and all were sent. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** What the operations threw, if they did. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Lets the operations clean up if they were not used up. Does not wait: they may be busy for ever. */
  stop(): void {
    if (this.#isFinished || this.#failure) return;
    this.#isFinished = true;
    // Whatever the clean-up throws comes after the fact: the caller has the answer, or the error that led here.
    void (async () => this.#iterator.return?.())().catch(() => undefined);
  }

  /** The next piece; empty at the end. When the operations fail, those gathered just before are not sent. */
  async #piece(): Promise<string> {
    const lines: string[] = [];
    try {
      await this.#gather(lines);
    } catch (error) {
      this.#failure = { error };
      this.#onPiece();
      throw error;
    }
    this.#sent += lines.length;
    return lines.join('');
  }

  async #gather(lines: string[]): Promise<void> {
    let turn: Promise<undefined> | undefined;
    for (let chars = 0; chars < PIECE_CHARS;) {
      const next = this.#next();
      turn ??= lines.length === 0 ? undefined : nextTurn();
      const step = next instanceof Promise ? await (turn ? Promise.race([next, turn]) : next) : next;
      if (step === undefined) return;
      this.#pending = undefined;
      if (step.done) {
        this.#isFinished = true;
        return;
      }
      const line = `${JSON.stringify(step.value)}\n`;
      lines.push(line);
      chars += line.length;
    }
  }

  #next(): Step | Promise<Step> {
    if (this.#pending) return this.#pending;
    const next = this.#iterator.next();
    if (!this.#isAsync) return next;
    this.#pending = Promise.resolve(next);
    return this.#pending;
  }
}

function nextTurn(): Promise<undefined> {
  return new Promise((resolve) => {
    const done = (): void => resolve(undefined);
    if (typeof setImmediate === 'function') setImmediate(done);
    else setTimeout(done, 0);
  });
}
