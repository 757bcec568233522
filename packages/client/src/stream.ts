import type { BatchEnd, BatchLine, Operation } from '@holdfast/protocol';

import { lineGroups } from './answer-lines.ts';
import { fenceHeader, queryString, waitMsOf } from './caller.ts';
import type { FencedOptions } from './collection.ts';
import { daemonCalls } from './daemon-calls.ts';
import { HoldfastUnreachable } from './errors.ts';
import { OperationLines } from './operation-lines.ts';
import { unexpectedAnswer } from './problem.ts';
import type { Outgoing, Requester } from './requester.ts';
import { SilenceWatch } from './silence.ts';

/** What a stream of operations may carry. */
export interface StreamOptions extends FencedOptions {
  /** Called with each answer line in order; the next is not read before it settles. */
  readonly onAnswer?: ((line: BatchLine) => void | Promise<void>) | undefined;
}

type Operations = AsyncIterable<Operation> | Iterable<Operation>;

/** Does what `Holdfast.stream` promises. */
export async function streamOperations(
  requester: Requester,
  operations: Operations,
  options: StreamOptions = {},
): Promise<BatchEnd> {
  const exchange = new StreamExchange(requester, operations, options);
  try {
    return await exchange.run();
  } finally {
    exchange.stop();
  }
}

class StreamExchange {
  readonly #requester: Requester;
  readonly #options: StreamOptions;
  readonly #controller: AbortController;
  readonly #lines: OperationLines;
  readonly #silence: SilenceWatch;
  #answered = 0;

  constructor(requester: Requester, operations: Operations, options: StreamOptions) {
    this.#requester = requester;
    this.#options = options;
    this.#controller = requester.hold();
    this.#lines = new OperationLines(operations, () => this.#sent());
    const limitMs = requester.timeoutMs + waitMsOf(options);
    this.#silence = new SilenceWatch(
      limitMs,
      () => this.#lines.isFinished || this.#lines.sent > this.#answered,
      () => this.#controller.abort(cut(`no answer for ${limitMs} ms`)),
    );
  }

  async run(): Promise<BatchEnd> {
    this.#silence.heard();
    try {
      const response = await this.#requester.open(this.#request(), this.#controller);
      return await this.#read(response);
    } catch (error) {
      const { failure } = this.#lines;
      throw failure ? failure.error : error;
    }
  }

  stop(): void {
    this.#silence.pause();
    this.#lines.stop();
    this.#controller.abort();
    this.#requester.release(this.#controller);
  }

  #request(): Outgoing {
    const { ack, timeout, ifFence } = this.#options;
    return {
      method: daemonCalls.batch.method,
      target: daemonCalls.batch.path + queryString({ ack, timeout }),
      headers: { 'content-type': 'application/x-ndjson', accept: 'application/x-ndjson', ...fenceHeader(ifFence) },
      body: this.#lines.body,
      repeat: 'twice',
    };
  }

  #sent(): void {
    this.#silence.heard();
    if (this.#lines.failure) this.#controller.abort(this.#lines.failure.error);
  }

  async #read(response: Response): Promise<BatchEnd> {
    let end: BatchEnd | undefined;
    try {
      for await (const group of lineGroups(response, this.#controller.signal)) {
        this.#silence.pause();
        for (const line of group) end ??= await this.#take(line);
        this.#silence.resume();
      }
    } catch (error) {
      // The end line says all there is to know: how the connection ended after it does not matter.
      if (end === undefined || !(error instanceof HoldfastUnreachable)) throw error;
    }
    return this.#checked(end);
  }

  async #take(line: string): Promise<BatchEnd | undefined> {
    const message = parseLine(line);
    if ('end' in message) return message;
    this.#answered += 1;
    await this.#options.onAnswer?.(message);
    return undefined;
  }

  /** Nothing may be missing without the end line saying so. */
  #checked(end: BatchEnd | undefined): BatchEnd {
    if (end === undefined) throw cut(`the answer was cut after ${this.#answered} lines`);
    if (end.count !== this.#answered) throw cut(`${this.#answered} of ${end.count} answers arrived`);
    const isComplete = this.#lines.isFinished && this.#lines.sent === end.count;
    if (!isComplete && end.stoppedAt === undefined && end.error === undefined) {
      throw cut(`the answer ended after ${end.count} lines, before the operations did`);
    }
    return end;
  }
}

/** Taken to be what the route's type says, as every answer is. */
function parseLine(line: string): BatchLine | BatchEnd {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    throw unexpectedAnswer(200, 'an answer line that is not JSON');
  }
  if (typeof message !== 'object' || message === null)
    throw unexpectedAnswer(200, 'an answer line that is not an object');
  return message as BatchLine | BatchEnd;
}

function cut(message: string): HoldfastUnreachable {
  return new HoldfastUnreachable(message, 'unknown');
}
