import { type Json, limits } from '@holdfast/protocol';
import { openDatabase } from '@holdfast/sqlite';
import { describe, expect, test } from 'vitest';

import { codeOf, patch, put, remove } from './fixture.ts';
import { agent, useAgent } from './use-agent.ts';

useAgent();

const leads = {
  fields: { company: { type: 'text', required: true }, employees: { type: 'integer', default: 1 } },
  indexes: [['employees']],
};

/** As many indexes as one collection may have. */
const wide = {
  fields: Object.fromEntries(Array.from({ length: limits.declaredIndexes }, (_, at) => [`f${at}`, { type: 'text' }])),
  indexes: Array.from({ length: limits.declaredIndexes }, (_, at) => [`f${at}`]),
};

const declare = (name: string, declaration: Json): Promise<unknown> =>
  agent.write(put('collections', name, declaration));

describe('a declared collection', () => {
  test('takes what fits, with defaults, and refuses all else without a trace', async () => {
    await declare('leads', leads);
    await agent.write(put('leads', 'a', { company: 'Kelp' }));
    expect(agent.read('leads', 'a')).toEqual({ company: 'Kelp', employees: 1 });
    const { lastSeq } = agent.store.counters;
    for (const wrong of [
      put('leads', 'b', {}),
      put('leads', 'a', { company: 1 }),
      patch('leads', 'a', { company: null }),
    ])
      await expect(agent.write(wrong)).rejects.toMatchObject({
        code: 'invalid-request',
        issues: [{ path: 'company' }],
      });
    expect(agent.store.counters.lastSeq).toBe(lastSeq);
    expect(agent.read('leads', 'b')).toBeUndefined();
    agent.expectTrueCounters();
  });

  test('is declared over a restart, and no longer when that is deleted', async () => {
    await declare('leads', leads);
    agent.reopen();
    expect(await codeOf(agent.write(put('leads', 'a', {})))).toBe('invalid-request');
    await agent.write(remove('collections', 'leads'));
    await agent.write(put('leads', 'a', {}));
    agent.reopen();
    await agent.write(put('leads', 'b', { anything: true }));
  });

  test('is declared for what follows in the same transaction, unless that is undone', async () => {
    const both = [put('collections', 'leads', leads), put('leads', 'a', {})];
    expect(await codeOf(agent.store.write({ resource: '', operations: both }))).toBe('invalid-request');
    await agent.write(put('leads', 'a', { free: 'form' }));
    const outcomes = await agent.store.writeEach([
      { resource: '', operations: [put('collections', 'others', leads)] },
      { resource: '', operations: [put('others', 'a', {})] },
    ]);
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, false]);
  });

  test('holds records that are written once, if it says so', async () => {
    await declare('notes', { conflict: 'append-only' });
    await agent.write(put('notes', 'a', { n: 1 }));
    for (const change of [put('notes', 'a', { n: 2 }), patch('notes', 'a', { n: 2 }), remove('notes', 'a')])
      expect(await codeOf(agent.write(change))).toBe('append-only');
    expect(agent.read('notes', 'a')).toEqual({ n: 1 });
  });

  test('gives records the time to live it declares, unless they have their own', async () => {
    await declare('notes', { ttl: 60 });
    const nowMs = agent.clock.now();
    await agent.write(put('notes', 'a', {}));
    await agent.write(put('notes', 'b', {}, { expiresAtMs: nowMs + 5000 }));
    expect(agent.expiryOf('notes', 'a')).toBe(nowMs + 60_000);
    expect(agent.expiryOf('notes', 'b')).toBe(nowMs + 5000);
  });
});

describe('a declaration', () => {
  test('that contradicts the one before is refused, one that adds is taken', async () => {
    await declare('leads', leads);
    await expect(declare('leads', { fields: {} })).rejects.toMatchObject({
      code: 'declaration-conflict',
      issues: [{ message: 'company is gone' }, { message: 'employees is gone' }],
    });
    await declare('leads', { ...leads, fields: { ...leads.fields, city: { type: 'text' } } });
    await agent.write(put('leads', 'a', { company: 'Kelp', city: 'Paris' }));
  });

  test('that contradicts records is refused, and names some of them but no value', async () => {
    for (let n = 0; n < 9; n += 1)
      await agent.write(put('leads', `l-${n}`, { company: n < 2 ? 'Kelp' : { secret: n } }));
    await expect(declare('leads', leads)).rejects.toMatchObject({
      code: 'declaration-conflict',
      message: '7 of the records there are do not fit: l-2: company: expected text, got an object',
    });
    expect(agent.read('leads', 'l-3')).toEqual({ company: { secret: 3 } });
  });

  test.each<[string, Json, string]>([
    ['Leads', leads, 'invalid-request'],
    ['messages', leads, 'declaration-conflict'],
    ['leads', { fields: { a: { type: 'colour' } } }, 'invalid-request'],
    ['leads', { ...leads, schema: { type: 'object' } }, 'invalid-request'],
    ['leads', { ...leads, example: { id: 'x', document: {} } }, 'invalid-request'],
    ['leads', [], 'invalid-request'],
  ])('of %s as %j is refused: %s', async (name, declaration, code) => {
    expect(await codeOf(declare(name, declaration))).toBe(code);
    expect(agent.read('collections', name)).toBeUndefined();
  });

  test('is for all resources, and none of them can make one', async () => {
    expect(await codeOf(agent.write(put('collections', 'leads', leads), 'app:one'))).toBe('forbidden');
    await declare('leads', leads);
    expect(await codeOf(agent.write(put('leads', 'a', {}), 'app:one'))).toBe('invalid-request');
  });

  test('may be a JSON Schema, and is kept as fields', async () => {
    await declare('leads', {
      schema: { type: 'object', properties: { n: { type: 'integer' } }, additionalProperties: false },
    });
    expect(agent.read('collections', 'leads')).toEqual({ fields: { n: { type: 'integer' } }, open: false });
  });

  test('with more indexes than an agent may have is refused, until others are taken back', async () => {
    const many = { ...wide, search: ['f0'] };
    for (let made = 0; made + 17 <= limits.agentIndexes; made += 17) await declare(`c${made}`, many);
    const left = limits.agentIndexes % 17;
    expect(await codeOf(declare('last', wide))).toBe('too-many-indexes');
    expect(agent.read('collections', 'last')).toBeUndefined();
    await declare('last', { ...wide, indexes: wide.indexes.slice(0, left) });
    await expect(declare('last', wide)).rejects.toMatchObject({
      code: 'too-many-indexes',
      message: `"last" declares 16 and the agent's other collections ${limits.agentIndexes - left}; together at most ${limits.agentIndexes}`,
    });
    await declare('c0', { ...many, help: 'As many as before' });
    await agent.write(remove('collections', 'c0'));
    await declare('last', wide);
  });

  test('of a file that has more indexes than an agent may have now is kept, and may not add to them', async () => {
    // Each leaves the place where it stood before.
    for (let n = 0; n <= limits.agentIndexes / 16; n += 1) await agent.write(put('notes', 'a', { n }));
    await declare('leads', { ...wide, help: 'before' });
    agent.reopen(() => {
      const database = openDatabase(agent.path);
      const copy =
        database.prepare(`INSERT INTO records SELECT seq - 1 - ?, resource, collection, ?, version, created_at,
        updated_at, expires_at, deleted, hash, doc, rejected, relay_hash FROM records WHERE id = 'leads'`);
      for (let n = 1; n <= limits.agentIndexes / 16; n += 1) copy.run(n, `c${n}`);
      database.close();
    });
    await agent.write(put('c1', 'a', { f0: 'kelp' }));
    expect(agent.store.query('', 'c1', { where: { f0: 'kelp' }, explain: true })).toMatchObject({
      plan: { indexes: ['c1 (f0)'] },
    });
    await declare('leads', { ...wide, help: 'after' });
    expect(await codeOf(declare('leads', { ...wide, search: ['f0'] }))).toBe('too-many-indexes');
  });

  test('of a later version is left alone, and its records are free-form', async () => {
    await declare('leads', leads);
    agent.reopen(() => {
      const database = openDatabase(agent.path);
      database
        .prepare("UPDATE records SET doc = ? WHERE collection = 'collections'")
        .run('{"fields":{"a":{"type":"vector"}}}');
      database.close();
    });
    await agent.write(put('leads', 'a', { anything: true }));
    expect(agent.read('leads', 'a')).toEqual({ anything: true });
  });
});

test('members and words are those of the records, whatever was done to them', async () => {
  await declare('leads', {
    open: true,
    fields: { tags: { type: 'list' }, text: { type: 'text' } },
    indexes: [['tags']],
    search: ['text'],
  });
  for (let n = 0; n < 40; n += 1) {
    await agent.write(
      put('leads', `l-${n % 13}`, { tags: [n % 5, `t${n % 3}`, `t${n % 3}`], text: `word${n % 4} kelp` }),
    );
    if (n % 7 === 0) await agent.write(remove('leads', `l-${n % 13}`));
    if (n % 6 === 0) await agent.store.resend([agent.store.counters.lastSeq]);
  }
  agent.reopen();
  // What is behind is made for whoever asks.
  expect(agent.store.query('', 'leads', { search: 'kelp' })).toHaveProperty('records');
  const database = openDatabase(agent.path);
  database.exec('CREATE VIRTUAL TABLE temp.words_of_members USING fts5vocab(main, members, instance)');
  const kept = database.prepare('SELECT DISTINCT term, doc FROM words_of_members ORDER BY doc, term').raw().all();
  const counted = database
    .prepare(
      `SELECT DISTINCT 'f1' || lower(iif(item.type = 'text', 't' || hex(item.value), 'n' || hex(CAST(item.value AS REAL)))) AS term,
       seq FROM records, json_each(doc, '$.tags') AS item WHERE collection = 'leads' AND deleted = 0 ORDER BY seq, term`,
    )
    .raw()
    .all();
  expect(kept).toEqual(counted);
  expect(kept.length).toBeGreaterThan(10);
  const found = database.prepare("SELECT rowid FROM texts WHERE texts MATCH 'kelp' ORDER BY rowid").pluck().all();
  const live = "SELECT seq FROM records WHERE collection = 'leads' AND deleted = 0 ORDER BY seq";
  expect(found).toEqual(database.prepare(live).pluck().all());
  database.close();
});
