import { type CopyPage, type Cursor, HoldfastError, type StreamPage } from '@holdfast/protocol';
import { type RecordRow, rowOfChange } from '@holdfast/store';

import { retryDelayMs } from '../sync/backoff.ts';
import type { Timers } from '../sync/timers.ts';
import type { Outcome, Transport } from '../sync/transport.ts';

/** How often the relay is asked before it is given up: with the waits in between some minutes. */
const MOST_TRIES = 10;

/** What asking a relay needs. */
export interface RelayCopyOptions {
  readonly agent: string;
  readonly transport: Pick<Transport, 'copyPage' | 'streamPage'>;
  readonly random: () => number;
  readonly timers: Timers;
  readonly signal: AbortSignal;
}

/**
 * All that the relay holds of an agent, a page at a time; the next page is on its way while one is used. A record that
 * changes meanwhile may come twice. `onLeftOut` is told how many of a page the relay cannot say anything of any more.
 * Throws `relay-unreachable` when the relay refuses, or does not answer for long.
 */
export async function* copyFromRelay(
  options: RelayCopyOptions,
  onLeftOut: (records: number) => void,
): AsyncGenerator<readonly RecordRow[]> {
  let next: Promise<CopyPage> | undefined = askPage(options, undefined);
  while (next !== undefined) {
    const page: CopyPage = await next;
    next = page.next === null ? undefined : askPage(options, page.next);
    // Should the reader give up, nobody waits for it any more.
    next?.catch(() => undefined);
    onLeftOut(page.leftOut);
    yield page.changes.map(rowOfChange);
  }
}

/** Where the relay stands in a stream. Throws like `copyFromRelay`. */
export async function cursorAtRelay(options: RelayCopyOptions, incarnation: string): Promise<Cursor> {
  const page = await answered(options, () => askCursor(options, incarnation));
  return page.cursor;
}

/** Asks once where the relay stands in a stream: above every seq there is nothing but that to say. */
export function askCursor(
  { agent, transport, signal }: Pick<RelayCopyOptions, 'agent' | 'transport' | 'signal'>,
  incarnation: string,
): Promise<Outcome<StreamPage>> {
  return transport.streamPage({ agent, incarnation, afterSeq: Number.MAX_SAFE_INTEGER }, signal);
}

function askPage(options: RelayCopyOptions, after: string | undefined): Promise<CopyPage> {
  const { agent, transport, signal } = options;
  return answered(options, () => transport.copyPage({ agent, after }, signal));
}

/** Asks until there is an answer. */
async function answered<Value>(options: RelayCopyOptions, ask: () => Promise<Outcome<Value>>): Promise<Value> {
  for (let tries = 1; ; tries += 1) {
    const outcome = await ask();
    options.signal.throwIfAborted();
    if (outcome.kind === 'done') return outcome.value;
    if (outcome.kind === 'refused' || tries === MOST_TRIES) throw unreachable(outcome);
    const retryAfterMs = outcome.kind === 'failed' ? outcome.retryAfterMs : 0;
    await pause(options, retryDelayMs(tries, options.random, retryAfterMs));
  }
}

/** A call to the relay that did not come to anything, as an error. */
export function unreachable(outcome: Exclude<Outcome<unknown>, { kind: 'done' }>): HoldfastError {
  return new HoldfastError(
    'relay-unreachable',
    'reason' in outcome ? outcome.reason : 'the relay answered with a cursor',
  );
}

function pause({ timers, signal }: RelayCopyOptions, delayMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const disarm = timers.after(delayMs, resolve);
    signal.addEventListener(
      'abort',
      () => {
        disarm();
        reject(signal.reason as Error);
      },
      { once: true },
    );
  });
}
