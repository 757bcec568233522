import { type Answer, type Handlers, recordLines, wantsLines } from '@holdfast/http';
import type { relayRoutes } from '@holdfast/protocol';

import type { RelayCaller } from '../service/access.ts';
import type { RelayService } from '../service/relay-service.ts';
import type { StatementRows } from '../service/statements.ts';

/** Answers queries, in our language and in SQL, whole or line by line as the caller accepts. */
export function queryHandler({
  desk,
  statements,
}: Pick<RelayService, 'desk' | 'statements'>): Handlers<Pick<typeof relayRoutes, 'query'>, RelayCaller> {
  return {
    query: async ({ identity, body, header, signal }): Promise<Answer> => {
      const { sql, ...query } = body.value;
      if (sql === undefined) {
        return wantsLines(header)
          ? { ndjson: recordLines(desk.stream(identity, query, signal)) }
          : { json: await desk.query(identity, query, signal) };
      }
      return wantsLines(header)
        ? { ndjson: rowLines(statements.stream(identity, sql, signal)) }
        : { json: await statements.answer(identity, sql, signal) };
    },
  };
}

async function* rowLines(parts: StatementRows): AsyncGenerator<string, void> {
  let count = 0;
  try {
    let part = await parts.next();
    for (; part.done !== true; part = await parts.next()) {
      const { columns, rows } = part.value;
      const lines = count === 0 ? [{ columns }, ...rows] : rows;
      count += lines.length;
      if (lines.length > 0) yield lines.map(lineOf).join('');
    }
    yield lineOf({ end: true, count, truncated: part.value });
  } finally {
    await parts.return(false);
  }
}

function lineOf(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
