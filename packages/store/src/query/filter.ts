import { type Connective, type Filter, filterParts } from '@holdfast/protocol';

import { compileCondition } from './condition.ts';
import { type Names, resolveField } from './field.ts';
import { all, any, not, type Sql } from './sql.ts';

/** Compiles which records a query is about. Throws `invalid-request`. */
export function compileFilter(filter: Filter, names: Names): Sql {
  return all(
    filterParts(filter).map((part) =>
      part.kind === 'field'
        ? compileCondition(part.name, resolveField(part.name, names), part.condition)
        : connectives[part.kind](part.filters.map((each) => compileFilter(each, names))),
    ),
  );
}

const connectives: Readonly<Record<Connective, (conditions: readonly Sql[]) => Sql>> = {
  and: all,
  or: (conditions) => any(conditions),
  not: (conditions) => not(any(conditions)),
};
