import { type Json, limits } from '@holdfast/protocol';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { makeChange } from '../conformance/material.ts';
import { TestRelay } from './relay-fixture.ts';

const people = {
  fields: {
    name: { type: 'text', personal: true },
    level: { type: 'integer' },
    skills: { type: 'list', of: { type: 'text' } },
    contact: { type: 'object', fields: { email: { type: 'text', personal: true }, city: { type: 'text' } } },
    notes: { type: 'text' },
  },
  indexes: [['level'], ['skills']],
  search: ['notes'],
};
const ada = {
  name: 'Ada',
  level: 3,
  skills: ['kelp'],
  contact: { email: 'ada@kelp.example', city: 'Paris' },
  notes: 'likes django',
};

describe('what nodes declared', () => {
  let relay: TestRelay;
  beforeEach(async () => {
    relay = await new TestRelay().start();
  });
  afterEach(() => relay[Symbol.asyncDispose]());

  const send = async (node: string, records: readonly [collection: string, id: string, doc: Json][]): Promise<void> => {
    const lines = records.map(
      ([collection, id, doc], index) => makeChange({ seq: index + 1, collection, id, doc }).line,
    );
    const { status } = await (await relay.node(node)).batch({ lines });
    expect(status).toBe(200);
  };
  const ask = async (role: 'admin' | 'operator' | 'viewer', query: object): Promise<Record<string, unknown>> => {
    const token = role === 'admin' ? relay.adminToken : await relay.token(role);
    const { json } = await relay.call('POST', '/relay/query', { token, body: query });
    return json as Record<string, unknown>;
  };
  const docsOf = (answer: Record<string, unknown>): unknown[] =>
    (answer['records'] as { doc: unknown }[]).map(({ doc }) => doc);

  it('is found by its indexes, its words and its names', async () => {
    await send('htpc', [
      ['collections', 'people', people],
      ['people', 'ada', ada],
    ]);
    const plan = await ask('admin', { collection: 'people', where: { level: 3 }, explain: true });
    expect(plan).toMatchObject({ plan: { indexes: expect.arrayContaining(['people (level)']) } });
    expect(docsOf(await ask('admin', { collection: 'people', search: 'DJANGO' }))).toEqual([ada]);
    expect(docsOf(await ask('admin', { collection: 'people', where: { skills: { hasAll: ['kelp'] } } }))).toEqual([
      ada,
    ]);
    expect(await ask('admin', { collection: 'people', where: { levl: 3 } })).toMatchObject({
      code: 'invalid-request',
      detail: '"levl": "people" has no such field; did you mean "level"?',
    });
  });

  it('gives way to a collection of that name that ships with Holdfast', async () => {
    await send('htpc', [
      ['collections', 'candidates', { fields: { skills: { type: 'text' }, grade: { type: 'text' } } }],
      ['candidates', 'ada', { skills: ['kelp'], grade: 'A', email: 'ada@kelp.example' }],
    ]);
    const wanted = { collection: 'candidates', where: { skills: { hasAll: ['kelp'] } } };
    expect(docsOf(await ask('viewer', wanted))).toEqual([{ skills: ['kelp'], grade: 'A', email: '***' }]);
    const answer = await ask('admin', { sql: 'SELECT skills, email FROM candidates' });
    expect(answer).toMatchObject({ rows: [['["kelp"]', 'ada@kelp.example']] });
  });

  it('is found without indexes where nodes declared more than are built, and the operator is told', async () => {
    const names = Array.from({ length: limits.declaredIndexes }, (_, at) => `f${at}`);
    const wide = {
      fields: Object.fromEntries(names.map((name) => [name, { type: 'text' }])),
      indexes: names.map((name) => [name]),
      search: ['f0'],
    };
    const logged: { msg: string; collections?: string[]; indexes?: number }[] = [];
    const log = pino({}, { write: (line: string) => void logged.push(JSON.parse(line) as (typeof logged)[number]) });
    await relay.running.stop();
    await relay.start(log);
    const last = limits.relayIndexes / names.length;
    const all = Array.from({ length: last + 1 }, (_, n) => `c${n}`);
    await send(
      'htpc',
      all.flatMap((name) => [['collections', name, wide] as const, [name, 'x', { f0: 'kelp' }] as const]),
    );
    const told = {
      msg: expect.stringContaining('nodes declared more indexes'),
      collections: [`c${last}`],
      indexes: 16,
    };
    expect(logged).toContainEqual(expect.objectContaining(told));
    const find = (name: string, how: object): Promise<Record<string, unknown>> =>
      ask('admin', { collection: name, where: { f0: 'kelp' }, ...how });
    const unindexed = async (): Promise<unknown[]> => {
      const { json } = await relay.call('GET', '/relay/collections', { token: relay.adminToken });
      const listed = json?.['collections'] as { name: string; unindexed?: unknown }[];
      return listed.flatMap((each) => (each.unindexed === undefined ? [] : [[each.name, each.unindexed]]));
    };
    for (const restart of [() => undefined, () => relay.restart()]) {
      await restart();
      expect(await find('c0', { explain: true })).toMatchObject({ plan: { indexes: ['c0 (f0)'] } });
      expect(await find(`c${last}`, { explain: true })).toMatchObject({
        plan: { indexes: expect.not.arrayContaining([`c${last} (f0)`]) },
      });
      expect(docsOf(await find(`c${last}`, {}))).toEqual([{ f0: 'kelp' }]);
      expect(docsOf(await find(`c${last}`, { search: 'kelp' }))).toEqual([{ f0: 'kelp' }]);
      expect(await unindexed()).toEqual([[`c${last}`, wide.indexes]]);
    }
    await send('laptop', [['collections', 'c0', { ...wide, help: 'declared by another node too' }]]);
    expect(await unindexed()).toEqual([[`c${last}`, wide.indexes]]);
  });

  it('is the same when it comes after the records, and over a restart', async () => {
    await send('htpc', [
      ['people', 'ada', ada],
      ['collections', 'people', people],
    ]);
    await relay.restart();
    expect(docsOf(await ask('admin', { collection: 'people', search: 'django' }))).toEqual([ada]);
    expect(docsOf(await ask('admin', { collection: 'people', where: { skills: { hasAny: ['kelp'] } } }))).toEqual([
      ada,
    ]);
  });

  it('may differ, or be none this version knows: then all of it is found all the same', async () => {
    await send('htpc', [
      ['collections', 'people', people],
      ['people', 'ada', ada],
    ]);
    await send('laptop', [
      ['collections', 'people', { fields: { level: { type: 'text' }, age: { type: 'integer' } } }],
      ['people', 'bob', { level: 'high', age: 7 }],
      ['collections', 'stars', { fields: { size: { type: 'vector' } } }],
      ['stars', 'sun', { size: [1] }],
    ]);
    expect(docsOf(await ask('admin', { collection: 'people', where: { level: 'high' } }))).toHaveLength(1);
    expect(docsOf(await ask('admin', { collection: 'people', where: { level: 3, age: null } }))).toEqual([ada]);
    expect(docsOf(await ask('admin', { collection: 'stars', where: { size: { contains: 1 } } }))).toHaveLength(1);
    const { json } = await relay.call('GET', '/relay/collections', { token: relay.adminToken });
    expect(json).toMatchObject({
      collections: [
        { name: 'collections', kind: 'built-in', records: 3 },
        { name: 'people', kind: 'declared', records: 2, declaration: { fields: { level: { type: 'json' } } } },
        { name: 'stars', kind: 'free-form', records: 1 },
      ],
    });
  });

  it('is searched over all collections, also where none has words', async () => {
    expect(await ask('admin', { search: 'django' })).toEqual({ records: [], next: null });
    await send('htpc', [
      ['collections', 'people', people],
      ['people', 'ada', ada],
      ['notes', 'n', { notes: 'django' }],
    ]);
    expect(docsOf(await ask('admin', { search: 'django' }))).toEqual([ada]);
  });

  it('has columns of its own in SQL', async () => {
    await send('htpc', [
      ['collections', 'people', people],
      ['people', 'ada', ada],
    ]);
    const sql =
      "SELECT name, level + 1 AS next, skills ->> 0 AS skill, contact ->> 'city' AS city FROM people WHERE level = 3";
    expect(await ask('operator', { sql })).toMatchObject({ rows: [['Ada', 4, 'kelp', 'Paris']] });
  });

  it('keeps personal fields from viewers, however they ask', async () => {
    await send('htpc', [
      ['collections', 'people', { ...people, search: ['notes', 'name'] }],
      ['people', 'ada', ada],
    ]);
    const masked = { ...ada, name: '***', contact: { email: '***', city: 'Paris' } };
    expect(docsOf(await ask('viewer', { collection: 'people' }))).toEqual([masked]);
    expect(docsOf(await ask('viewer', { where: { level: 3 } }))).toEqual([masked]);
    expect(docsOf(await ask('viewer', { collection: 'people', select: ['name', 'contact.email'] }))).toEqual([
      { name: '***', contact: { email: '***' } },
    ]);
    expect(docsOf(await ask('operator', { collection: 'people' }))).toEqual([ada]);
    for (const query of [
      { where: { name: 'Ada' } },
      { where: { 'doc.name': { prefix: 'A' } } },
      { where: { not: [{ 'contact.email': 'x' }] } },
      { where: { contact: { exists: true } } },
      { orderBy: [{ name: 'asc' }] },
      { aggregate: { groupBy: ['name'], metrics: { n: { count: '*' } } } },
      { aggregate: { metrics: { n: { distinct: 'contact.email' } } } },
      { search: 'ada' },
    ])
      for (const collection of [{ collection: 'people' }, {}])
        expect({ query, answer: await ask('viewer', { ...query, ...collection }) }).toMatchObject({
          query,
          answer: { code: 'forbidden' },
        });
  });

  it('keeps a collection from those who are no readers of it', async () => {
    await send('htpc', [
      ['collections', 'people', { ...people, readers: ['operator'] }],
      ['collections', 'secrets', { readers: [] }],
      ['people', 'ada', ada],
      ['secrets', 's', { a: 1 }],
      ['notes', 'n', { a: 2 }],
    ]);
    expect(await ask('viewer', { collection: 'people' })).toMatchObject({ code: 'forbidden' });
    expect(docsOf(await ask('viewer', { where: { a: { exists: true } } }))).toEqual([{ a: 2 }]);
    expect(docsOf(await ask('operator', { collection: 'people' }))).toEqual([ada]);
    expect(await ask('operator', { collection: 'secrets' })).toMatchObject({ code: 'forbidden' });
    expect(await ask('operator', { sql: 'SELECT id FROM secrets' })).toMatchObject({ code: 'invalid-request' });
    expect(docsOf(await ask('admin', { collection: 'secrets' }))).toEqual([{ a: 1 }]);
  });
});
