import { limits } from '@holdfast/protocol';
import type { Logger } from 'pino';

/** Collections that a log line names at most. */
const MAX_NAMED = 10;

/** Tells the operator which collections have indexes declared that are not built. */
export function tellUnindexed(log: Logger): (unindexed: ReadonlyMap<string, readonly unknown[]>) => void {
  return (unindexed) => {
    if (unindexed.size === 0) {
      log.info('all indexes that nodes declared are built');
      return;
    }
    const indexes = [...unindexed.values()].reduce((sum, { length }) => sum + length, 0);
    log.warn(
      { collections: [...unindexed.keys()].slice(0, MAX_NAMED), indexes, limit: limits.relayIndexes },
      'nodes declared more indexes than are built: queries of these collections look at more records',
    );
  };
}
