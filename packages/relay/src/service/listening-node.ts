import type { HoldfastError, TakenCall } from '@holdfast/protocol';

import { type CallUnderWay, unreachable } from './call-under-way.ts';

/** Most calls given out at once. */
const CALLS_AT_ONCE = 64;
/** Calls given out at once end after the one that reaches this. */
const BYTES_AT_ONCE = 4 * 1024 * 1024;

interface Wait {
  readonly resolve: (calls: readonly TakenCall[]) => void;
  readonly reject: (reason: HoldfastError) => void;
}

/** A start of a node's daemon that takes calls: it waits for some, or was given some and is about to ask for more. */
export class ListeningNode {
  readonly boot: string;
  readonly #graceMs: number;
  readonly #onGone: () => void;
  /** Not given out yet, oldest first. */
  readonly #waiting = new Set<CallUnderWay>();
  #wait: Wait | undefined;
  #grace: NodeJS.Timeout | undefined;

  /** `onGone`: it does not listen any more. */
  constructor(boot: string, graceMs: number, onGone: () => void) {
    this.boot = boot;
    this.#graceMs = graceMs;
    this.#onGone = onGone;
  }

  /** A call for it; given out at once if it waits for one. */
  give(call: CallUnderWay): void {
    this.#waiting.add(call);
    this.#settle(() => this.#takeAll());
  }

  /** A call that has ended. */
  forget(call: CallUnderWay): void {
    this.#waiting.delete(call);
  }

  /** The calls that wait, or the first that comes within `waitMs`. Ends the wait before it. Gone with whoever waits. */
  async take(waitMs: number, signal: AbortSignal): Promise<readonly TakenCall[]> {
    this.#settle(() => []);
    clearTimeout(this.#grace);
    try {
      if (this.#waiting.size > 0 || waitMs === 0) return this.#takeAll();
      return await this.#waitFor(waitMs, signal);
    } finally {
      if (this.#wait === undefined) this.#arm();
    }
  }

  /** Does not listen any more. Whoever waits for calls gets `reason`, or none; calls that wait could not be given out. */
  leave(reason?: HoldfastError): void {
    clearTimeout(this.#grace);
    this.#onGone();
    for (const call of this.#waiting) call.end(unreachable(call.routed.to));
    this.#waiting.clear();
    if (reason === undefined) this.#settle(() => []);
    else this.#wait?.reject(reason);
    this.#wait = undefined;
  }

  #waitFor(waitMs: number, signal: AbortSignal): Promise<readonly TakenCall[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly TakenCall[]>();
    this.#wait = { resolve, reject };
    const timer = setTimeout(() => this.#settle(() => []), waitMs);
    const abort = (): void => this.leave();
    signal.addEventListener('abort', abort, { once: true });
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    });
  }

  // At once and not with the promise: a call that comes in the same turn waits for who asks next.
  #settle(calls: () => readonly TakenCall[]): void {
    const wait = this.#wait;
    this.#wait = undefined;
    wait?.resolve(calls());
  }

  #arm(): void {
    clearTimeout(this.#grace);
    this.#grace = setTimeout(() => this.leave(), this.#graceMs);
    this.#grace.unref();
  }

  #takeAll(): TakenCall[] {
    const taken: TakenCall[] = [];
    let bytes = 0;
    for (const call of this.#waiting) {
      if (taken.length === CALLS_AT_ONCE || bytes >= BYTES_AT_ONCE) break;
      this.#waiting.delete(call);
      if (call.isOver) continue;
      bytes += call.routed.bytes;
      taken.push(call.take(this.boot));
    }
    return taken;
  }
}
