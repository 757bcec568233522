import { setImmediate as nextTurn } from 'node:timers/promises';

import { SHARED_AGENT } from '@holdfast/protocol';
import type { AgentStore, WatchedRecord, WatchPlace, WatchScope } from '@holdfast/store';

import type { SharedSpace } from './shared-space.ts';

/** A record that changed, and the place from which a watch goes on after it and all before it. */
export interface WatchedChange {
  readonly record: WatchedRecord;
  readonly place: string;
}

/** Watches of what all nodes share. Each reads from the file what changed, so that one who is slow misses states, never the last one. */
export class Watches {
  readonly #space: SharedSpace;
  readonly #waiting = new Set<() => void>();
  /** How often something changed. */
  #changes = 0;

  constructor(space: SharedSpace) {
    this.#space = space;
  }

  /** Something was written or came from other nodes. Cheap. */
  changed(agent: string = SHARED_AGENT): void {
    if (agent !== SHARED_AGENT) return;
    this.#changes += 1;
    for (const wake of this.#waiting) wake();
  }

  /** Where all watches are that have seen all there is. */
  get end(): string {
    return placeText(this.#space.made());
  }

  /**
   * Records as they change, after a place, until `signal` aborts; each as it is when it is read. Without a place, and with one of
   * another file, first all there are.
   */
  async *changes(scope: WatchScope, after: string | undefined, signal: AbortSignal): AsyncGenerator<WatchedChange> {
    let place = placeIn(this.#space.made(), after);
    while (!signal.aborted) {
      // Before it is read: for what changes in between it is read again.
      const seen = this.#changes;
      const store = this.#space.made();
      const page = store.feed.watched.after(place, scope);
      place = page.place;
      const last = page.records.at(-1);
      for (const record of page.records) {
        if (signal.aborted) return;
        yield { record, place: placeText(store, record === last ? place : record.place) };
      }
      if (page.more) await nextTurn();
      else if (this.#changes === seen) await this.#woken(signal);
    }
  }

  #woken(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
      if (signal.aborted) wake();
    });
  }
}

function placeText(store: AgentStore, { writtenSeq, takenSeq }: WatchPlace = store.feed.watched.place): string {
  return `${store.incarnation}.${writtenSeq}.${-takenSeq}`;
}

function placeIn(store: AgentStore, text: string | undefined): WatchPlace {
  const [incarnation, written = '', taken = ''] = text?.split('.') ?? [];
  const place = { writtenSeq: Number(written), takenSeq: -Number(taken) };
  const now = store.feed.watched.place;
  const isOfFile = incarnation === store.incarnation && /^\d{1,15}$/.test(written) && /^\d{1,15}$/.test(taken);
  const isReached = place.writtenSeq <= now.writtenSeq && place.takenSeq >= now.takenSeq;
  return isOfFile && isReached ? place : { writtenSeq: 0, takenSeq: 0 };
}
