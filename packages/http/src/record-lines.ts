import type { QueryEnd } from '@holdfast/protocol';

import type { ReadHeader } from './identity.ts';

const LINES = 'application/x-ndjson';

/** Whether the caller wants the answer line by line: its `Accept` names `application/x-ndjson`, and before `application/json`. */
export function wantsLines(header: ReadHeader): boolean {
  const accepted = (header('accept') ?? '').split(',').map((range) => range.split(';')[0]?.trim().toLowerCase());
  const [lines, json] = [accepted.indexOf(LINES), accepted.indexOf('application/json')];
  return lines !== -1 && (json === -1 || lines < json);
}

/** Records as lines of NDJSON, each with its line feed. */
interface Lines {
  readonly text: string;
  readonly count: number;
}

/** Lines of records, then the end line, which tells what `records` returns as `next`. Whoever stops early ends `records`. */
export async function* recordLines(records: AsyncGenerator<Lines, string | null>): AsyncGenerator<string, void> {
  let count = 0;
  try {
    let group = await records.next();
    for (; group.done !== true; group = await records.next()) {
      count += group.value.count;
      if (group.value.count > 0) yield group.value.text;
    }
    const end: QueryEnd = { end: true, count, next: group.value };
    yield `${JSON.stringify(end)}\n`;
  } finally {
    await records.return(null);
  }
}
