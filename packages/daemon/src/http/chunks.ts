import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Gathers the items of groups into chunks of at most `size`. A chunk is smaller only when no further group has come by
 * the next turn of the event loop: a sender that waits for an answer gets one. An error of the source comes after every
 * item before it.
 */
export async function* inChunks<Item>(groups: AsyncIterable<readonly Item[]>, size: number): AsyncGenerator<Item[]> {
  const source = groups[Symbol.asyncIterator]();
  const waiting: Item[] = [];
  try {
    let next = settled(source.next());
    for (;;) {
      const arrived = waiting.length === 0 ? await next : await Promise.race([next, nextTurn(undefined)]);
      if (arrived === undefined) {
        yield waiting.splice(0, size);
      } else if ('error' in arrived) {
        while (waiting.length > 0) yield waiting.splice(0, size);
        throw arrived.error;
      } else if (arrived.result.done === true) {
        while (waiting.length > 0) yield waiting.splice(0, size);
        return;
      } else {
        waiting.push(...arrived.result.value);
        next = settled(source.next());
        while (waiting.length >= size) yield waiting.splice(0, size);
      }
    }
  } finally {
    await source.return?.();
  }
}

type Arrival<Value> = { readonly result: IteratorResult<Value> } | { readonly error: unknown };

// An error is kept as a value: nobody may be listening yet when it comes.
function settled<Value>(next: Promise<IteratorResult<Value>>): Promise<Arrival<Value>> {
  return next.then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  );
}
