import type { QueryPlan } from '@holdfast/protocol';

/** An index, or one of the tables that members of lists and words are found by. */
const INDEX = /USING (?:COVERING )?INDEX (\S+(?: \([^()=]*\))?)|SCAN (members|texts) VIRTUAL TABLE/;

/** How SQLite would run a query, by the details it gave of each step. */
export function planOf(steps: readonly string[]): QueryPlan {
  const indexes = steps.flatMap((step) => {
    const [, index, kept] = INDEX.exec(step) ?? [];
    return index ?? kept ?? [];
  });
  return { steps, indexes: [...new Set(indexes)] } as QueryPlan;
}
