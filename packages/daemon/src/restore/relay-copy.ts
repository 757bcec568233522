import { HoldfastError } from '@holdfast/protocol';
import { type RecordRow, rowOfChange } from '@holdfast/store';

import { retryDelayMs } from '../sync/backoff.ts';
import type { Timers } from '../sync/timers.ts';
import type { Outcome, Transport } from '../sync/transport.ts';

/** How often a page is asked for before copying is given up: with the waits in between some minutes. */
const MOST_TRIES = 10;

/** What copying from a relay needs. */
export interface RelayCopyOptions {
  readonly agent: string;
  readonly transport: Pick<Transport, 'copyPage'>;
  readonly random: () => number;
  readonly timers: Timers;
  readonly signal: AbortSignal;
}

/**
 * All that the relay holds of an agent, a page at a time; the next page is on its way while one is used. A record that
 * changes meanwhile may come twice. Throws `relay-unreachable` when the relay refuses, or does not answer for long.
 */
export async function* copyFromRelay(options: RelayCopyOptions): AsyncGenerator<readonly RecordRow[]> {
  let next: Promise<Page> | undefined = askPage(options, undefined);
  while (next !== undefined) {
    const page: Page = await next;
    next = page.next === null ? undefined : askPage(options, page.next);
    // Should the reader give up, nobody waits for it any more.
    next?.catch(() => undefined);
    yield page.rows;
  }
}

interface Page {
  readonly rows: readonly RecordRow[];
  readonly next: string | null;
}

async function askPage(options: RelayCopyOptions, after: string | undefined): Promise<Page> {
  const { agent, transport, signal } = options;
  for (let tries = 1; ; tries += 1) {
    const outcome = await transport.copyPage({ agent, after }, signal);
    signal.throwIfAborted();
    if (outcome.kind === 'done') return { rows: outcome.value.changes.map(rowOfChange), next: outcome.value.next };
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
