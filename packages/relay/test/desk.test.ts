import { relayRoutes } from '@holdfast/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { cursorAt, makeChange, START_MS } from '../conformance/material.ts';
import { answerOf, codeOf, edited, pageOf, type TestNode, TestRelay } from './relay-fixture.ts';

describe('what operators see and decide', () => {
  let relay: TestRelay;
  let htpc: TestNode;
  let laptop: TestNode;
  let viewer: string;
  beforeAll(async () => {
    relay = await new TestRelay().start();
    htpc = await relay.node('htpc');
    laptop = await relay.node('laptop');
    viewer = await relay.token('viewer');
    await htpc.batch({
      lines: [
        makeChange({ seq: 1, collection: 'messages', id: 'm1', doc: { role: 'user', n: 1 } }).line,
        makeChange({ seq: 2, collection: 'messages', id: 'm2', doc: { role: 'assistant', n: 2 } }).line,
        makeChange({ seq: 3, collection: 'kv', id: 'k', doc: 42 }).line,
      ],
    });
    await laptop.batch({
      lines: [
        makeChange({ seq: 1, collection: 'messages', id: 'm1', doc: { role: 'user', n: 3 } }).line,
        makeChange({ seq: 2, collection: 'messages', id: 'gone', doc: { n: 4 }, expiresAtMs: START_MS + 1000 }).line,
      ],
    });
  });
  afterAll(() => relay[Symbol.asyncDispose]());

  const query = (body: object, token: string = viewer) => relay.call('POST', '/relay/query', { token, body });

  it('a query spans the network and says whose each record is', async () => {
    const { records } = pageOf(await query({ collection: 'messages', where: { role: 'user' } }));
    expect(records.map(({ node, agent, id, doc }) => [node, agent, id, doc])).toEqual([
      ['htpc', 'recruiter', 'm1', { role: 'user', n: 1 }],
      ['laptop', 'recruiter', 'm1', { role: 'user', n: 3 }],
    ]);
  });

  it('a node sees its own records only', async () => {
    const { records } = pageOf(await query({ nodes: ['htpc', 'laptop'] }, laptop.credential));
    expect(records.map(({ node, id }) => [node, id])).toEqual([
      ['laptop', 'gone'],
      ['laptop', 'm1'],
    ]);
  });

  it('pages follow each other to the end', async () => {
    const seen: string[] = [];
    for (let after: string | null | undefined; after !== null;) {
      const page = pageOf(await query({ limit: 2, orderBy: [{ n: 'desc' }], ...(after !== undefined && { after }) }));
      seen.push(...page.records.map(({ node, id }) => `${node ?? ''}/${id}`));
      after = page.next;
    }
    expect(seen).toEqual(['laptop/gone', 'laptop/m1', 'htpc/m2', 'htpc/m1', 'htpc/k']);
  });

  it('groups count over the network', async () => {
    const aggregate = { groupBy: ['role'], metrics: { n: { count: '*' } } };
    const { json } = await query({ collection: 'messages', where: { role: { exists: true } }, aggregate });
    expect(json).toEqual({
      groups: [
        { role: 'assistant', n: 1 },
        { role: 'user', n: 2 },
      ],
    });
  });

  it.each([
    { collection: 'No Such Name' },
    { nodes: ['..'] },
    { limit: 0 },
    { where: { 'a"b': 1 } },
    { where: { created_at: 5 } },
    { after: 'nonsense' },
    { sql: 'select 1', limit: 1 },
  ])('a query such as %j is refused', async (body) => {
    expect(codeOf(await query(body))).toBe('invalid-request');
  });

  it('an expired record is gone at once', async () => {
    const count = async () => pageOf(await query({ collection: 'messages' })).records.length;
    expect(await count()).toBe(4);
    relay.nowMs = START_MS + 1000;
    expect(await count()).toBe(3);
    relay.nowMs = START_MS;
  });

  it('nodes and collections are listed with their counts', async () => {
    const { nodes } = answerOf(relayRoutes.nodes, await relay.call('GET', '/relay/nodes', { token: viewer }));
    expect(nodes).toMatchObject([
      { node: 'htpc', dead_letters: 0, agents: [{ agent: 'recruiter', records: 3, cursor_seq: 3 }] },
      { node: 'laptop', dead_letters: 0, agents: [{ agent: 'recruiter', records: 2, cursor_seq: 2 }] },
    ]);
    const listed = await relay.call('GET', '/relay/collections', { token: viewer });
    const { collections } = answerOf(relayRoutes.collections, listed);
    expect(collections).toMatchObject([
      { name: 'kv', kind: 'built-in', records: 1 },
      { name: 'messages', kind: 'built-in', records: 4, declaration: { search: ['content'] } },
    ]);
  });

  it('a dead letter is listed, shown, tried again and dropped', async () => {
    const operator = await relay.token('operator');
    const poison = edited(makeChange({ seq: 4, id: 'p', doc: { a: 1 } }).line, { hash: '0'.repeat(32) });
    await htpc.batch({ header: { base: cursorAt(3) }, lines: [poison] });
    const listed = await relay.call('GET', '/relay/dead-letters?limit=5', { token: operator });
    const { dead_letters: letters } = answerOf(relayRoutes['dead-letter.list'], listed);
    expect(letters).toMatchObject([
      {
        node: 'htpc',
        agent: 'recruiter',
        seq: 4,
        code: 'invalid-request',
        collection: 'notes',
        record: 'p',
        resource: '',
      },
    ]);
    const path = `/relay/dead-letters/${letters[0]?.id ?? ''}`;
    expect((await relay.call('GET', path, { token: operator })).json).toEqual({ ...letters[0], change: poison });
    const retried = await relay.call('POST', `${path}/retry`, { token: operator });
    expect(retried).toMatchObject({ status: 200, json: { rejects: [{ seq: 4, code: 'invalid-request' }] } });
    expect((await relay.call('DELETE', path, { token: operator })).status).toBe(204);
    expect(codeOf(await relay.call('GET', path, { token: operator }))).toBe('dead-letter-not-found');
    expect(codeOf(await relay.call('DELETE', path, { token: operator }))).toBe('dead-letter-not-found');
    expect(codeOf(await relay.call('POST', `${path}/retry`, { token: operator }))).toBe('dead-letter-not-found');
  });
});
