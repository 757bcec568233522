import { expect, it } from 'vitest';

import { makeChange } from '../conformance/material.ts';
import { codeOf, TestRelay } from './relay-fixture.ts';

const ITEMS = 60_000;

it('a query that takes too long is refused, and what nodes write meanwhile is answered', async () => {
  await using relay = await new TestRelay({ 'query.seconds': 1 }).start();
  const node = await relay.node();
  const doc = { items: Array.from({ length: ITEMS }, (_, index) => index) };
  const large = Array.from({ length: 8 }, (_, index) => makeChange({ seq: index + 1, id: `large-${index}`, doc }).line);
  for (const line of large) expect((await node.immediate(line)).status).toBe(200);
  // No record has one of them, so that each is looked for in each.
  const conditions = Array.from({ length: 32 }, (_, index) => ({ items: { contains: -1 - index } }));
  const body = { where: { or: conditions }, aggregate: { metrics: { n: { count: '*' } } } };
  const query = { isAnswered: false };
  const asked = relay.call('POST', '/relay/query', { token: relay.adminToken, body }).finally(() => {
    query.isAnswered = true;
  });
  let written = 0;
  for (let seq = 100; !query.isAnswered; seq += 1) {
    const { status } = await node.immediate(makeChange({ seq, id: 'small', doc: { seq } }).line);
    if (!query.isAnswered && status === 200) written += 1;
  }
  const answer = await asked;
  expect([answer.status, codeOf(answer)]).toEqual([504, 'query-timeout']);
  expect(answer.json).toMatchObject({ retryable: false, remedy: expect.stringContaining('query.seconds') });
  expect(written).toBeGreaterThan(0);
  const small = { where: { id: 'small' }, aggregate: { metrics: { n: { count: '*' } } } };
  const next = await relay.call('POST', '/relay/query', { token: relay.adminToken, body: small });
  expect(next.json).toEqual({ groups: [{ n: 1 }] });
});
