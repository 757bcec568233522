import { expect, it } from 'vitest';

import { putKeys } from './support/keys.ts';
import { TestDaemon } from './support/test-daemon.ts';

const QUERY = 'POST /v1/records/kv/query';
const headers = { accept: 'application/x-ndjson', 'holdfast-agent': 'ada' };

it('a query streams all its records, in parts as large as the configuration lets them be, and counts them', async () => {
  await using daemon = await TestDaemon.start({ config: { 'query.streamRecords': 2500 } });
  await daemon.agent('ada');
  await putKeys(daemon, 'ada', 'k', 3000);
  const first = await daemon.call(QUERY, { headers, body: { orderBy: [{ name: 'desc' }] } });
  expect(first.headers['content-type']).toBe('application/x-ndjson');
  const end = first.lines.pop();
  expect(end).toEqual({ end: true, count: 2500, next: expect.any(String) });
  const second = await daemon.call(QUERY, { headers, body: { orderBy: [{ name: 'desc' }], after: end.next } });
  expect(second.lines.pop()).toEqual({ end: true, count: 500, next: null });
  const names = [...first.lines, ...second.lines].map(({ doc }) => doc.name as string);
  expect(names).toEqual(
    Array.from({ length: 3000 }, (_, index) => `k${index}`)
      .toSorted()
      .toReversed(),
  );
});

it('a stream has as many records as its limit says; groups and plans are no streams', async () => {
  await using daemon = await TestDaemon.start();
  await daemon.agent('ada');
  await putKeys(daemon, 'ada', 'k', 10);
  const { lines } = await daemon.call(QUERY, { headers, body: { limit: 4 } });
  expect(lines.at(-1)).toEqual({ end: true, count: 4, next: expect.any(String) });
  const { status, json } = await daemon.call(QUERY, { headers, body: { explain: true } });
  expect([status, json.code]).toEqual([422, 'invalid-request']);
});
