import type { QueryPlan } from '@holdfast/protocol';

/** How SQLite would run a query, by the details it gave of each step. */
export function planOf(steps: readonly string[]): QueryPlan {
  const indexes = steps.flatMap((step) => /USING (?:COVERING )?INDEX (\S+(?: \([^()=]*\))?)/.exec(step)?.[1] ?? []);
  return { steps, indexes: [...new Set(indexes)] } as QueryPlan;
}
