/**
 * How a column's values come: `stored`: as the table keeps them, and its indexes serve; otherwise what SQLite casts the expression
 * to.
 */
export type SqlColumnType = 'stored' | 'TEXT' | 'INTEGER' | 'REAL';

/** A column of a view: its name, and the expression behind it. */
export interface SqlColumn {
  readonly name: string;
  readonly type: SqlColumnType;
  readonly sql: string;
}

/** A view as statements see it. The expressions, and what stands after FROM, are SQL of ours; names are anyone's. */
export interface SqlView {
  readonly name: string;
  readonly columns: readonly SqlColumn[];
  /**
   * With its WHERE. Tables must be named with `main.`: a view may have the name of a table, and would win. The WHERE must name a
   * column of each, not its rowid: of a table no column of which is needed SQLite asks outside of the view, where none may be read.
   */
  readonly from: string;
}

/**
 * The statements that make views, as temporary ones: nothing is written. Each is two: the one that statements name, over one whose
 * name begins with `secret`. Only what reads tables through the second kind may (`Authorizer`): whose reading of a table SQLite
 * tells by the name of the view around it, and a common table expression could have the name of the first.
 */
export function viewStatements(views: readonly SqlView[], secret: string): string[] {
  return views.flatMap(({ name, columns, from }, index) => {
    const inner = quoted(innerName(secret, index));
    const expressions = columns.map((column) => `${expressionOf(column)} AS ${quoted(column.name)}`).join(', ');
    const names = columns.map((column) => quoted(column.name)).join(', ');
    return [
      `CREATE TEMP VIEW ${inner} AS SELECT ${expressions} FROM ${from}`,
      `CREATE TEMP VIEW ${quoted(name)} AS SELECT ${names} FROM temp.${inner}`,
    ];
  });
}

/** The name of the view behind the view at an index. */
export function innerName(secret: string, index: number): string {
  return `${secret}_${index}`;
}

function expressionOf({ type, sql }: SqlColumn): string {
  return type === 'stored' ? sql : `CAST(${sql} AS ${type})`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
