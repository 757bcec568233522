import Table from 'cli-table3';

import { paint } from './output.ts';

const noBorders = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid', 'middle']
    .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`])
    .map((side) => [side, '']),
);

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Figures stand on the right. Default left. */
  readonly align?: 'left' | 'right';
}

/** A table without lines: titles in small letters of weight, columns two spaces apart. Ends without a line break. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    chars: { ...noBorders, 'left-mid': '', 'mid-mid': '', 'right-mid': '', middle: '  ' },
    head: columns.map(({ title }) => paint('dim', title.toUpperCase())),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** A table whose columns all stand on the left. */
export function plainTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return renderTable(
    titles.map((title) => ({ title })),
    rows,
  );
}
