import type { QueryEnd } from '@holdfast/protocol';

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
