import type { QueryEnd, Record as PublicRecord } from '@holdfast/protocol';

import type { ReadHeader } from './identity.ts';

const LINES = 'application/x-ndjson';

/** Whether the caller wants the answer line by line: its `Accept` names `application/x-ndjson`, and before `application/json`. */
export function wantsLines(header: ReadHeader): boolean {
  const accepted = (header('accept') ?? '').split(',').map((range) => range.split(';')[0]?.trim().toLowerCase());
  const [lines, json] = [accepted.indexOf(LINES), accepted.indexOf('application/json')];
  return lines !== -1 && (json === -1 || lines < json);
}

/** Records as lines, then the end line, which tells what `records` returns as `next`. Whoever stops early ends `records`. */
export async function* recordLines(
  records: AsyncGenerator<readonly PublicRecord[], string | null>,
): AsyncGenerator<string, void> {
  let count = 0;
  try {
    let group = await records.next();
    for (; group.done !== true; group = await records.next()) {
      count += group.value.length;
      yield group.value.map(lineOf).join('');
    }
    const end: QueryEnd = { end: true, count, next: group.value };
    yield lineOf(end);
  } finally {
    await records.return(null);
  }
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
