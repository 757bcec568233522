import type { QueryEnd } from '@holdfast/protocol';

import type { LineAnswer } from './line-caller.ts';
import type { RecordOf } from './queries.ts';

/** Where a stream begins, and how many records it gives. */
interface Reach {
  readonly after?: string | undefined;
  /** Default: all. */
  readonly limit?: number | undefined;
}

/**
 * The records of a streamed query: `limit` of them, or all; where one answer was as full as one may be, another one goes on.
 * `ask` asks for a part.
 */
export async function* streamedRecords<T>(
  ask: (reach: Reach) => LineAnswer,
  { after: first, limit: wanted }: Reach = {},
): AsyncGenerator<RecordOf<T>, void> {
  let after = first;
  let limit = wanted;
  do {
    const { next, count } = yield* ask({ after, limit }) as AsyncGenerator<RecordOf<T>, QueryEnd>;
    after = next ?? undefined;
    if (limit !== undefined) limit -= count;
  } while (after !== undefined && limit !== 0);
}
