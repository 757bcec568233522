import { setTimeout as pause } from 'node:timers/promises';

import type { Holdfast } from '@holdfast/client';
import type { ChannelMessage } from '@holdfast/protocol';

const LIMIT_MS = 20_000;

/** Somebody who listens, and keeps what was heard. */
export class Ear implements AsyncDisposable {
  readonly heard: ChannelMessage[] = [];
  readonly #leaving = new AbortController();
  readonly #listening: Promise<void>;
  #tell: () => void = () => undefined;

  private constructor(holdfast: Holdfast, pattern: string) {
    this.#listening = this.#listen(holdfast, pattern);
  }

  /** Begins to listen; resolves once that is known on the node. */
  static async open(holdfast: Holdfast, pattern: string): Promise<Ear> {
    const countOf = async (): Promise<number> => {
      const { present } = await holdfast.channels.present(pattern);
      return present.reduce((sum, { listeners }) => sum + listeners, 0);
    };
    const before = await countOf();
    const ear = new Ear(holdfast, pattern);
    // What ends the listening ends the wait too.
    while ((await countOf()) === before) await Promise.race([pause(5), ear.#listening]);
    return ear;
  }

  /** The values heard, once there are so many. */
  async values(count: number): Promise<readonly unknown[]> {
    const limit = AbortSignal.timeout(LIMIT_MS);
    while (this.heard.length < count) {
      limit.throwIfAborted();
      await Promise.race([new Promise<void>((resolve) => (this.#tell = resolve)), pause(100)]);
    }
    return this.heard.map(({ value }) => value);
  }

  /** Stops listening; rejects with what ended it before. */
  async close(): Promise<void> {
    this.#leaving.abort();
    await this.#listening;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #listen(holdfast: Holdfast, pattern: string): Promise<void> {
    for await (const message of holdfast.channels.listen(pattern, { signal: this.#leaving.signal })) {
      this.heard.push(message);
      this.#tell();
    }
  }
}
