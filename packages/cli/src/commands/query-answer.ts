import type { Group, Page } from '@holdfast/client';
import type { Json, QueryPlan } from '@holdfast/protocol';

import { type Output, paint } from '../output.ts';
import { renderTable } from '../table.ts';

const LEAST_DOCUMENT_WIDTH = 30;
const OTHER_COLUMNS_WIDTH = 70;

/** Prints a page of records: a table for people, with documents cut to the line; all of it with `--json`. */
export function answerRecords(output: Output, page: Page<unknown>): void {
  output.answer(page, () => {
    if (page.records.length === 0) return paint('dim', 'no records');
    const isNetwork = page.records.some(({ node }) => node !== undefined);
    const columns = [...(isNetwork ? ['node', 'agent', 'collection'] : []), 'id', 'updated', 'document'];
    const rows = page.records.map((record) => [
      ...(isNetwork ? [record.node ?? '', record.agent ?? '', record.collection] : []),
      record.id,
      record.updated_at,
      cut(JSON.stringify(record.doc)),
    ]);
    return renderTable(
      columns.map((title) => ({ title })),
      rows,
    );
  });
  if (page.next !== null) output.remark(paint('dim', `more: --after '${page.next}'`));
}

/** Prints groups and what was computed over each; one bare value if it is the only one. */
export function answerGroups(output: Output, groups: readonly Group[]): void {
  output.answer({ groups }, () => {
    const [first] = groups;
    if (first === undefined) return paint('dim', 'no records');
    const names = Object.keys(first);
    if (names.length === 1 && groups.length === 1) return cellText(Object.values(first)[0] ?? null);
    const columns = names.map((title) => ({
      title,
      align: groups.every((group) => typeof group[title] === 'number') ? ('right' as const) : ('left' as const),
    }));
    return renderTable(
      columns,
      groups.map((group) => names.map((name) => cellText(group[name] ?? null))),
    );
  });
}

/** Prints how a query would run. */
export function answerPlan(output: Output, plan: QueryPlan): void {
  output.answer({ plan }, () => {
    const indexes = plan.indexes.length === 0 ? 'none: it looks at every record' : plan.indexes.join(', ');
    return [...plan.steps, `${paint('dim', 'indexes')} ${indexes}`].join('\n');
  });
}

function cellText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

// Cut on a terminal only, so that nothing is lost in a pipe.
function cut(text: string): string {
  if (!process.stdout.isTTY) return text;
  const width = Math.max(LEAST_DOCUMENT_WIDTH, process.stdout.columns - OTHER_COLUMNS_WIDTH);
  return text.length > width ? `${text.slice(0, width - 1)}…` : text;
}
