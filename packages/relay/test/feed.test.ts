import { type FeedPage, relayRoutes, SHARED_AGENT } from '@holdfast/protocol';
import { expect, it } from 'vitest';

import { answerOf, changeLines, type Reply, type TestNode, TestRelay } from './relay-fixture.ts';
import { BOOT, INCARNATION, makeChange } from '../conformance/material.ts';

const read = async (relay: TestRelay, token: string, query = ''): Promise<FeedPage> =>
  answerOf(relayRoutes.feed, await relay.call('GET', `/relay/feed${query}`, { token }));

const share = (node: TestNode, lines: readonly string[]): Promise<Reply> =>
  node.batch({ header: { agent: SHARED_AGENT }, lines });

it('gives a page, and where the relay stands in the stream of the node that asks', async () => {
  await using relay = await new TestRelay().start();
  const node = await relay.node();
  await share(node, changeLines(3));
  const page = await read(relay, node.credential, `?agents=shared&incarnation=${INCARNATION}`);
  expect(page.changes.map(({ id, node: writer }) => [id, writer])).toEqual(
    ['r1', 'r2', 'r3'].map((id) => [id, 'htpc']),
  );
  expect(page).toMatchObject({ more: false, stream: { seq: 3 } });
  expect(await read(relay, node.credential, `?agents=shared&after=${page.cursor}`)).toMatchObject({
    changes: [],
    stream: null,
  });
});

it('waits for a change at its end, and answers when one is committed', async () => {
  await using relay = await new TestRelay().start();
  const node = await relay.node();
  const { cursor } = await read(relay, node.credential);
  const waiting = read(relay, node.credential, `?after=${cursor}&wait_seconds=25`);
  await share(node, changeLines(1));
  expect(await waiting).toMatchObject({ changes: [{ id: 'r1' }] });
});

it('is read line by line where that is asked for, with a last line that says so', async () => {
  await using relay = await new TestRelay().start();
  const node = await relay.node();
  await share(node, changeLines(2));
  const headers = { accept: 'application/x-ndjson' };
  const { text } = await relay.call('GET', '/relay/feed', { token: await relay.token('operator'), headers });
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(lines).toMatchObject([{ id: 'r1' }, { id: 'r2' }, { end: true, count: 2, more: false }]);
});

it('does not go on in another life of the database, nor from a place it has not reached', async () => {
  await using relay = await new TestRelay().start();
  const node = await relay.node();
  await share(node, changeLines(1));
  const { cursor } = await read(relay, node.credential);
  const [epoch] = cursor.split('.');
  for (const wrong of [`${'0'.repeat(32)}.1`, `${epoch}.99`]) {
    const reply = await relay.call('GET', `/relay/feed?after=${wrong}`, { token: node.credential });
    expect(reply).toMatchObject({ status: 409, json: { code: 'feed-refetch' } });
  }
});

it('is for nodes, operators and admins, and refuses what is no cursor, name or wait', async () => {
  await using relay = await new TestRelay().start();
  const viewer = await relay.call('GET', '/relay/feed', { token: await relay.token('viewer') });
  expect(viewer).toMatchObject({ status: 403 });
  const token = await relay.token('admin');
  for (const query of ['after=1', 'agents=', 'collections=Notes', 'wait_seconds=99', 'limit=0', 'unknown=1']) {
    const reply = await relay.call('GET', `/relay/feed?${query}`, { token });
    expect([query, reply.json?.['code']]).toEqual([query, 'invalid-request']);
  }
});

it('what nodes share is compared with no digest of one of them', async () => {
  await using relay = await new TestRelay().start();
  const node = await relay.node();
  const header = { agent: SHARED_AGENT, boot: BOOT, digest: 'f'.repeat(16) };
  const reply = await node.batch({ header, lines: changeLines(1) });
  expect(answerOf(relayRoutes.batch, reply)).not.toHaveProperty('digest');
});

it('gives a node what is addressed to it, as it comes, and nobody else', async () => {
  await using relay = await new TestRelay().start();
  const [sender, laptop] = [await relay.node(), await relay.node('laptop')];
  const { cursor } = await read(relay, laptop.credential, '?addressed=true');
  const waiting = read(relay, laptop.credential, `?addressed=true&after=${cursor}&wait_seconds=25`);
  const letter = (seq: number, to: string): string =>
    makeChange({ seq, id: `l${seq}`, collection: 'letters', doc: { to, body: 'hello' } }).line;
  await sender.batch({ lines: [letter(1, 'ada@cellar'), letter(2, 'ada@laptop')] });
  expect(await waiting).toMatchObject({ changes: [{ id: 'l2', node: 'htpc', agent: 'recruiter' }] });
  expect(await read(relay, sender.credential, '?addressed=true')).toMatchObject({ changes: [] });
  for (const role of ['operator', 'admin'] as const) {
    const reply = await relay.call('GET', '/relay/feed?addressed=true', { token: await relay.token(role) });
    expect(reply).toMatchObject({ status: 422, json: { code: 'invalid-request' } });
  }
});
