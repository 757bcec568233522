import { mayRead } from '@holdfast/network';
import { HoldfastError, limits, type Now, type SqlAnswer } from '@holdfast/protocol';
import type { SqlReader, SqlRows, StreamBounds } from '@holdfast/store';

import type { RelayStore } from '../storage/relay-store.ts';
import { collectionViews } from '../storage/sqlite/collection-views.ts';
import type { RelayCaller } from './access.ts';

/** Rows of a statement, in parts; the first part is there even if it has none. Returns whether there were more than fit. */
export type StatementRows = AsyncGenerator<SqlRows, boolean>;

/** Answers what operators ask in SQL. */
export interface Statements {
  /** A statement's rows, as many as one answer has. Rejects as `stream` does. */
  answer(caller: RelayCaller, text: string, signal: AbortSignal): Promise<SqlAnswer>;
  /**
   * A statement's rows, as many as one stream has. Rejects with `forbidden` unless an operator or admin asks, and as
   * `SqlReader.read` does.
   */
  stream(caller: RelayCaller, text: string, signal: AbortSignal): StatementRows;
}

/** What statements are run with. */
export interface StatementsOptions {
  readonly store: RelayStore;
  readonly reader: SqlReader;
  readonly now: Now;
  /** How much one stream holds at most. */
  readonly bounds: StreamBounds;
}

const ANSWER_BOUNDS: StreamBounds = { records: limits.sqlRows, bytes: limits.pageBytes };

/** Makes what answers statements over the collections that a store has. */
export function makeStatements({ store, reader, now, bounds }: StatementsOptions): Statements {
  async function* read(caller: RelayCaller, text: string, signal: AbortSignal): AsyncGenerator<SqlRows, void> {
    assertOperator(caller);
    const collections = await store.collections();
    const readable = collections.filter(({ declared }) => caller.role === 'admin' || mayRead('operator', declared));
    yield* reader.read(text, collectionViews(readable, now()), signal);
  }
  return {
    stream: (caller, text, signal) => bounded(read(caller, text, signal), bounds),
    answer: async (caller, text, signal) => {
      const parts = bounded(read(caller, text, signal), ANSWER_BOUNDS);
      const rows: SqlAnswer['rows'] = [];
      let columns: readonly string[] = [];
      for (;;) {
        const part = await parts.next();
        if (part.done === true) return { columns: [...columns], rows, truncated: part.value };
        columns = part.value.columns;
        rows.push(...part.value.rows.map((row) => [...row]));
      }
    },
  };
}

async function* bounded(parts: AsyncIterable<SqlRows>, bounds: StreamBounds): StatementRows {
  let rows = 0;
  let bytes = 0;
  for await (const part of parts) {
    const taken: (typeof part.rows)[number][] = [];
    for (const row of part.rows) {
      if (rows === bounds.records || bytes >= bounds.bytes) {
        yield { ...part, rows: taken };
        return true;
      }
      taken.push(row);
      rows += 1;
      bytes += JSON.stringify(row).length;
    }
    yield { ...part, rows: taken };
  }
  return false;
}

function assertOperator({ role }: RelayCaller): void {
  if (role === 'operator' || role === 'admin') return;
  throw new HoldfastError('forbidden', `the role "${role}" may not ask in SQL`);
}
