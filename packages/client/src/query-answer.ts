import type { NetworkAnswer, QueryPlan, RelayAnswer, SqlAnswer } from '@holdfast/protocol';

import { eachItem } from './each-item.ts';
import { unexpectedAnswer } from './problem.ts';
import type { Group, Page, RecordOf } from './queries.ts';

/** What a service answers a query with. */
type Answer = RelayAnswer | NetworkAnswer;

/** The page in a query's answer, its documents taken to be `T`. */
export function pageOf<T>(answer: Answer): Page<T> {
  if (!('records' in answer)) throw unexpectedAnswer(200, 'no records where records were asked for');
  return { records: answer.records as RecordOf<T>[], next: answer.next };
}

/** The groups in an aggregate's answer. */
export function groupsOf(answer: Answer): readonly Group[] {
  if (!('groups' in answer)) throw unexpectedAnswer(200, 'no groups where groups were asked for');
  return answer.groups;
}

/** The plan in the answer of a query that was to be explained. */
export function planOf(answer: Answer): QueryPlan {
  if (!('plan' in answer)) throw unexpectedAnswer(200, 'no plan where one was asked for');
  return answer.plan;
}

/** The columns and rows in the answer to a statement. */
export function rowsOf(answer: RelayAnswer): SqlAnswer {
  if (!('rows' in answer)) throw unexpectedAnswer(200, 'no rows where a statement was asked');
  return answer;
}

/** All records from the first page to the last, see `eachItem`. */
export function eachRecord<T>(page: (after: string | undefined) => Promise<Page<T>>): AsyncGenerator<RecordOf<T>> {
  return eachItem(async (after) => {
    const { records: items, next } = await page(after);
    return { items, next };
  });
}
