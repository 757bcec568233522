import type { HoldfastRelay, SqlRow, StreamedRows } from '@holdfast/client';
import { Command } from 'commander';

import { type Call, withAction, withExamples } from '../action.ts';
import { CommandError } from '../command-error.ts';
import { type Format, formatOf, formatOption } from '../format.ts';
import { makeOutput, type Output, paint } from '../output.ts';
import { withRelay } from '../services.ts';
import { type Cells, printCsv, printLines } from '../streamed-output.ts';
import { renderTable } from '../table.ts';

interface SqlFlags {
  readonly format?: Format;
}

/** `holdfast sql`. */
export function sqlCommand(): Command {
  const command = new Command('sql')
    .description(
      'Ask the relay in SQL: one SELECT over a view of each collection. Needs a token of role operator or admin.',
    )
    .argument('<statement>', 'the SELECT; docs/query.md tells the columns')
    .addOption(formatOption());
  withAction<SqlFlags>(command, answer);
  return withExamples(
    command,
    `sql 'SELECT node, count(*) AS n FROM messages GROUP BY node ORDER BY n DESC'`,
    `sql "SELECT id, doc ->> '$.name' AS name FROM candidates" --format csv`,
  );
}

async function answer({ args: [statement], options, output }: Call<SqlFlags>): Promise<void> {
  if (statement === undefined || statement.trim() === '') {
    throw new CommandError('the statement is empty', `Write one, such as 'SELECT count(*) FROM messages'.`, 2);
  }
  const format = formatOf(options);
  await withRelay(options, (relay) =>
    format === 'ndjson' || format === 'csv'
      ? stream(relay, statement, { format, output })
      : printWhole(relay, statement, format === 'json' ? makeOutput(true) : output),
  );
}

async function printWhole(relay: HoldfastRelay, statement: string, output: Output): Promise<void> {
  const found = await relay.sql(statement);
  output.answer(found, () => {
    const columns = found.columns.map((title, index) => ({
      title,
      align: found.rows.every((row) => typeof row[index] === 'number') ? ('right' as const) : ('left' as const),
    }));
    return renderTable(
      columns,
      found.rows.map((row) => row.map((value) => (value === null ? paint('dim', 'null') : String(value)))),
    );
  });
  if (found.truncated) output.remark(paint('dim', 'there are more rows: --format csv or ndjson gives more'));
}

async function stream(
  relay: HoldfastRelay,
  statement: string,
  { format, output }: { readonly format: 'ndjson' | 'csv'; readonly output: Output },
): Promise<void> {
  const found = await relay.streamSql(statement);
  const rows = noting(found.rows, () => output.remark('there are more rows: narrow the statement'));
  if (format === 'csv') return printCsv(withNames(found, rows));
  return printLines(named(found, rows));
}

async function* noting(rows: StreamedRows['rows'], onTruncated: () => void): AsyncGenerator<SqlRow> {
  const { truncated } = yield* rows;
  if (truncated) onTruncated();
}

async function* withNames({ columns }: StreamedRows, rows: AsyncIterable<SqlRow>): AsyncGenerator<Cells> {
  yield columns;
  yield* rows;
}

async function* named({ columns }: StreamedRows, rows: AsyncIterable<SqlRow>): AsyncGenerator<object> {
  for await (const row of rows) yield Object.fromEntries(columns.map((name, index) => [name, row[index] ?? null]));
}
