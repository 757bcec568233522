import type { NetworkQuery } from '@holdfast/protocol';
import { expect, test } from 'vitest';

import { changeLines, type TestNode, TestRelay } from './relay-fixture.ts';

const HOUR_MS = 3_600_000;

async function freshnessFor(relay: TestRelay, token: string, query: NetworkQuery = {}): Promise<unknown> {
  const body = { ...query, freshness: true };
  return (await relay.call('POST', '/relay/query', { token, body })).json?.['freshness'];
}

async function report(node: TestNode, changes: number): Promise<void> {
  const waiting = [{ agent: 'recruiter', seq: 130, changes }];
  const body = { boot: 'b'.repeat(32), predecessors: [], waiting };
  expect((await node.relay.call('POST', '/relay/session', { token: node.credential, body })).status).toBe(200);
}

test('an answer says of each node when it was heard of and what waited there, also once it is cut off', async () => {
  await using relay = await new TestRelay().start();
  const [htpc, laptop] = [await relay.node('htpc'), await relay.node('laptop')];
  await laptop.batch({ lines: changeLines(10) });
  await report(laptop, 120);
  const cutOffAt = new Date(relay.nowMs).toISOString();
  relay.nowMs += 3 * HOUR_MS;
  await htpc.batch({ header: { waiting: 0 }, lines: changeLines(3) });
  const now = new Date(relay.nowMs).toISOString();
  const away = { node: 'laptop', last_contact_at: cutOffAt, connected: false, outstanding: 120 };
  const here = { node: 'htpc', last_contact_at: now, connected: true, outstanding: 0 };
  const viewer = await relay.token('viewer');
  expect(await freshnessFor(relay, viewer)).toEqual({ nodes: [here, away] });
  const counting = { aggregate: { metrics: { n: { count: '*' as const } } } };
  expect(await freshnessFor(relay, viewer, counting)).toEqual({ nodes: [here, away] });
  expect(await freshnessFor(relay, viewer, { nodes: ['laptop'] })).toEqual({ nodes: [away] });
  expect(await freshnessFor(relay, htpc.credential)).toEqual({ nodes: [here] });
  await relay.restart();
  expect(await freshnessFor(relay, viewer, { agents: ['recruiter'] })).toEqual({ nodes: [here, away] });
});

test('nothing is said of freshness where nobody asks for it', async () => {
  await using relay = await new TestRelay().start();
  await relay.node('htpc');
  const reply = await relay.call('POST', '/relay/query', { token: relay.adminToken, body: {} });
  expect(reply.json).toEqual({ records: [], next: null });
  expect(await freshnessFor(relay, relay.adminToken, { explain: true })).toBeUndefined();
});
