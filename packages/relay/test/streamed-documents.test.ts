import { join } from 'node:path';

import type { Json, QueryEnd, Record as PublicRecord } from '@holdfast/protocol';
import { openDatabase } from '@holdfast/sqlite';
import { describe, expect, it } from 'vitest';

import { makeChange } from '../conformance/material.ts';
import { codeOf, pageOf, type Reply, TestRelay } from './relay-fixture.ts';

const LINES = { accept: 'application/x-ndjson' };
/** More than goes into one group of lines. */
const MANY = 1200;

const ask = (relay: TestRelay, body: object, token = relay.adminToken): Promise<Reply> =>
  relay.call('POST', '/relay/query', { token, body, headers: LINES });

async function relayWith(documents: readonly Json[]): Promise<TestRelay> {
  const relay = await new TestRelay().start();
  const node = await relay.node();
  for (let sent = 0; sent < documents.length; sent += 500) {
    const part = documents.slice(sent, sent + 500);
    const lines = part.map((doc, index) => {
      const seq = sent + index + 1;
      return makeChange({ seq, id: `r${String(seq).padStart(4, '0')}`, doc }).line;
    });
    const base = sent === 0 ? {} : { base: await node.cursor() };
    expect(await node.batch({ header: base, lines })).toMatchObject({ status: 200 });
  }
  return relay;
}

/** Changes what is stored, as no writer would. */
async function spoil(relay: TestRelay, statement: string): Promise<void> {
  await relay.running.stop();
  const database = openDatabase(join(relay.directory, 'relay.db'));
  expect(database.prepare(statement).run().changes).toBe(1);
  database.close();
  await relay.start();
}

function docsOf({ text }: Reply): { readonly docs: readonly Json[]; readonly end: QueryEnd } {
  const lines = text.trimEnd().split('\n');
  const end = JSON.parse(lines.pop() ?? '') as QueryEnd;
  return { docs: lines.map((line) => (JSON.parse(line) as PublicRecord).doc), end };
}

describe('the documents of a streamed answer', () => {
  it('are written as a page writes them, whatever is in their texts', async () => {
    const documents: Json[] = [
      { text: 'two\nlines\r\nand a "quote" \\n \u2028 \u2029', 'a\nkey': '\u0001' },
      { n: [0.1, -1.5e-7, 1e21, 0], nothing: null, deep: [[[{}]], []], ключ: '🐚' },
      'a text\n',
      [1, '\n'],
      null,
    ];
    await using relay = await relayWith(documents);
    const { records } = pageOf(await relay.call('POST', '/relay/query', { token: relay.adminToken, body: {} }));
    expect(records.map(({ doc }) => doc)).toEqual(documents);
    const end = { end: true, count: documents.length, next: null };
    expect((await ask(relay, {})).text).toBe([...records, end].map((line) => `${JSON.stringify(line)}\n`).join(''));
  });

  it('have a line each, also where a line break came into a stored text', async () => {
    await using relay = await relayWith([{ a: 1, b: 12 }, { c: 3 }]);
    await spoil(relay, `UPDATE records SET doc = '{"a":1,' || char(13, 10) || '"b":12}' WHERE id = 'r0001'`);
    const answer = await ask(relay, {});
    expect(answer.text.match(/[\n\r]/g)).toHaveLength(3);
    expect(docsOf(answer).docs).toEqual([{ a: 1, b: 12 }, { c: 3 }]);
  });

  it.each([
    ['a document that is no JSON any more', `doc = 'Ada Okafor, Lagos'`],
    ['a document that ends early', `doc = '{"name":"Ada Okafor'`],
    ['a text that a line break came into', `doc = '{"name":"Ada' || char(10) || 'Okafor"}'`],
    ['two documents', `doc = '{"name":"Ada"}' || char(10) || '{"name":"Okafor"}'`],
    ['a time that is none', 'updated_at = 9000000000000000000'],
  ])('that rotted are told as damage, and never sent: %s', async (_what, rot) => {
    await using relay = await relayWith([{ n: 1 }, { name: 'Ada Okafor' }]);
    await spoil(relay, `UPDATE records SET ${rot} WHERE id = 'r0002'`);
    for (const query of [{}, { select: ['name'] }]) {
      const refused = await ask(relay, query);
      expect(codeOf(refused)).toBe('file-damaged');
      expect(refused.text).not.toContain('Okafor');
    }
    expect(docsOf(await ask(relay, { limit: 1 })).docs).toEqual([{ n: 1 }]);
  });

  it('that rotted cut an answer that was begun, before them', async () => {
    await using relay = await relayWith(Array.from({ length: MANY }, (_, n) => ({ n })));
    await spoil(relay, `UPDATE records SET doc = '{"n":' WHERE id = 'r${MANY}'`);
    await expect(ask(relay, {})).rejects.toThrow('aborted');
    const answer = await fetch(`${relay.running.url}/relay/query`, {
      method: 'POST',
      headers: { ...LINES, authorization: `Bearer ${relay.adminToken}`, 'content-type': 'application/json' },
      body: '{}',
    });
    const decoder = new TextDecoder();
    let text = '';
    const reading = (async () => {
      for await (const piece of answer.body ?? []) text += decoder.decode(piece as Uint8Array, { stream: true });
    })();
    await expect(reading).rejects.toThrow('terminated');
    const lines = text.slice(0, text.lastIndexOf('\n')).split('\n');
    expect(lines.length).toBeGreaterThan(100);
    expect(lines.map((line) => (JSON.parse(line) as PublicRecord).doc)).toEqual(lines.map((_, n) => ({ n })));
    expect(text).not.toContain('"end"');
  });

  it('are shown to viewers without personal fields, and to all with what they selected', async () => {
    await using relay = await new TestRelay().start();
    const declared = { fields: { name: { type: 'text', personal: true }, level: { type: 'integer' } } };
    const node = await relay.node();
    const lines = [
      makeChange({ seq: 1, collection: 'collections', id: 'people', doc: declared }).line,
      makeChange({ seq: 2, collection: 'people', id: 'ada', doc: { name: 'Ada', level: 3 } }).line,
    ];
    expect(await node.batch({ lines })).toMatchObject({ status: 200 });
    const viewer = await relay.token('viewer');
    const operator = await relay.token('operator');
    const of = async (body: object, token: string): Promise<readonly Json[]> =>
      docsOf(await ask(relay, { collection: 'people', ...body }, token)).docs;
    expect(await of({}, viewer)).toEqual([{ name: '***', level: 3 }]);
    expect(await of({ select: ['name'] }, viewer)).toEqual([{ name: '***' }]);
    expect(await of({}, operator)).toEqual([{ name: 'Ada', level: 3 }]);
    expect(await of({ select: ['level'] }, operator)).toEqual([{ level: 3 }]);
  });

  it.each([{}, { select: ['n'] }])(
    'are as many as wanted, and the end tells whether there are more: %j',
    async (part) => {
      await using relay = await relayWith(Array.from({ length: MANY }, (_, n) => ({ n })));
      for (const limit of [1, 500, MANY - 1, MANY, MANY + 1]) {
        const { docs, end } = docsOf(await ask(relay, { ...part, limit }));
        expect(docs).toHaveLength(Math.min(limit, MANY));
        expect([end.count, end.next === null]).toEqual([docs.length, limit >= MANY]);
        if (end.next === null) continue;
        const rest = docsOf(await ask(relay, { ...part, after: end.next }));
        expect([...docs, ...rest.docs]).toEqual(Array.from({ length: MANY }, (_, n) => ({ n })));
      }
    },
  );
});
