import { type QueryEnd, type Record as PublicRecord, relayRoutes } from '@holdfast/protocol';
import { SqliteRelayStore } from '@holdfast/relay';
import { startProcess } from '@holdfast/testkit';
import { describe, expect, it } from 'vitest';

import { makeBatch, makeChange, makeTokenEntry, START_MS } from '../conformance/material.ts';
import { codeOf, defaultConfig, pageOf, type Reply, TestRelay } from './relay-fixture.ts';

const LINES = { accept: 'application/x-ndjson' };
const HEAP_MEGABYTES = 48;
const DOCUMENTS = 120;
const BATCH_DOCUMENTS = 6;
const DOCUMENT_BYTES = 600_000;

const ask = (relay: TestRelay, body: object, token = relay.adminToken): Promise<Reply> =>
  relay.call('POST', '/relay/query', { token, body, headers: LINES });

function streamOf({ text }: Reply): { readonly records: readonly PublicRecord[]; readonly end: QueryEnd } {
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => relayRoutes.query.answer.lines.parse(JSON.parse(line)));
  const end = lines.pop();
  if (end === undefined || !('next' in end)) throw new Error('the answer has no end line');
  return { records: lines as PublicRecord[], end };
}

describe('a streamed answer', () => {
  it('has a line for each record and an end line that counts them', async () => {
    await using relay = await new TestRelay().start();
    const node = await relay.node();
    const lines = Array.from({ length: 250 }, (_, index) => makeChange({ seq: index + 1, doc: { index } }).line);
    await node.batch({ lines });
    const reply = await ask(relay, { where: { index: { lt: 240 } } });
    expect(reply).toMatchObject({ status: 200, headers: { 'content-type': 'application/x-ndjson' } });
    const { records, end } = streamOf(reply);
    expect(end).toEqual({ end: true, count: 240, next: null });
    const page = pageOf(await relay.call('POST', '/relay/query', { token: relay.adminToken, body: {} }));
    expect(records.slice(0, 50)).toEqual(page.records.slice(0, 50));
    const limited = streamOf(await ask(relay, { limit: 7 }));
    expect([limited.records.length, limited.end.count, limited.end.next]).toEqual([7, 7, expect.any(String)]);
  });

  it('is as full as the configuration lets one be, and its end says how to go on', async () => {
    await using relay = await new TestRelay({ 'query.streamRecords': 4 }).start();
    const node = await relay.node();
    await node.batch({ lines: Array.from({ length: 10 }, (_, index) => makeChange({ seq: index + 1, doc: {} }).line) });
    const ids: string[] = [];
    const counts: number[] = [];
    for (let after: string | null | undefined; after !== null;) {
      const { records, end } = streamOf(await ask(relay, after === undefined ? {} : { after }));
      ids.push(...records.map(({ id }) => id));
      counts.push(end.count);
      after = end.next;
    }
    expect(counts).toEqual([4, 4, 2]);
    expect(ids).toEqual(['r1', 'r10', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9']);
  });

  it('is refused before it begins as a page is: groups, plans, pages too large', async () => {
    await using relay = await new TestRelay().start();
    for (const body of [{ explain: true }, { aggregate: { metrics: { n: { count: '*' } } } }, { after: 'nonsense' }]) {
      const refused = await ask(relay, body);
      expect([refused.status, codeOf(refused)]).toEqual([422, 'invalid-request']);
    }
    const body = { limit: 1001 };
    const page = await relay.call('POST', '/relay/query', { token: relay.adminToken, body });
    expect(codeOf(page)).toBe('invalid-request');
    expect(streamOf(await ask(relay, body)).end).toEqual({ end: true, count: 0, next: null });
  });

  it('of more than the relay has memory for passes through it', async () => {
    const relay = new TestRelay();
    const store = new SqliteRelayStore(`${relay.directory}/relay.db`, defaultConfig());
    await store.addToken(makeTokenEntry(1, { role: 'join', name: 'htpc', expiresAtMs: START_MS + 1 }));
    await store.join(makeTokenEntry(1).id, makeTokenEntry(2, { role: 'node', name: 'htpc' }));
    const text = 'x'.repeat(DOCUMENT_BYTES);
    for (let seq = 1; seq <= DOCUMENTS; seq += BATCH_DOCUMENTS) {
      const batch = Array.from({ length: BATCH_DOCUMENTS }, (_, index) => seq + index);
      await store.takeBatch(makeBatch(batch.map((each) => makeChange({ seq: each, doc: { text } }))));
    }
    await store.close();
    const script = new URL('relay-process.ts', import.meta.url).pathname;
    await using running = await startProcess({
      args: [`--max-old-space-size=${HEAP_MEGABYTES}`, script, relay.directory],
      ready: /^http/,
    });
    const answer = await fetch(`${running.readyLine}/relay/query`, {
      method: 'POST',
      headers: { ...LINES, authorization: `Bearer ${relay.adminToken}`, 'content-type': 'application/json' },
      body: '{}',
    });
    let bytes = 0;
    let tail = '';
    for await (const piece of answer.body ?? []) {
      bytes += piece.length;
      tail = (tail + Buffer.from(piece).toString()).slice(-200);
    }
    expect(tail).toMatch(new RegExp(`{"end":true,"count":${DOCUMENTS},"next":null}\n$`));
    expect(bytes).toBeGreaterThan(HEAP_MEGABYTES * 1024 * 1024);
    await running.kill();
    await relay[Symbol.asyncDispose]();
  }, 120_000);
});
