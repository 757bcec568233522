import { limits } from '@holdfast/protocol';
import { openDatabase } from '@holdfast/sqlite';
import { recordHash, type RecordRow } from '@holdfast/store';
import { describe, expect, test } from 'vitest';

import { codeOf, patch, put, remove, TestAgent } from './fixture.ts';
import { agent, directory, useCountedAgent } from './use-agent.ts';

useCountedAgent();

describe('a write', () => {
  test('gives each change the next seq and a higher version', async () => {
    const results = [
      await agent.write(put('notes', 'a', { n: 1 })),
      await agent.write(put('notes', 'a', { n: 2 })),
      await agent.write(remove('notes', 'a')),
      await agent.write(put('other', 'a', { n: 3 })),
    ];
    expect(results.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    // An answer is remembered under an idempotency key: the document must not be in it.
    expect(results.map((result) => Object.keys(result))).toEqual(results.map(() => ['id', 'version', 'seq']));
    expect(results.map(({ version }) => version)).toEqual(results.map(({ version }) => version).toSorted());
    expect(new Set(results.map(({ version }) => version)).size).toBe(4);
  });

  test('is there after the file was closed and opened, and versions go on above it', async () => {
    const before = await agent.write(put('notes', 'a', { n: 1 }));
    const { incarnation } = agent.store;
    agent.clock.advance(-10 * 365 * 86_400_000);
    agent.reopen();
    expect(agent.read('notes', 'a')).toEqual({ n: 1 });
    expect(agent.store.incarnation).toBe(incarnation);
    const after = await agent.write(put('notes', 'b', {}));
    expect(after.seq).toBe(2);
    expect(after.version > before.version).toBe(true);
  });

  test('of several operations is all or nothing', async () => {
    const operations = [put('notes', 'a', {}), put('notes', 'b', {}), remove('notes', 'missing')];
    expect(await codeOf(agent.store.write({ resource: '', operations }))).toBe('record-not-found');
    expect(agent.read('notes', 'a')).toBeUndefined();
    expect(agent.store.counters).toMatchObject({ lastSeq: 0, outbox: 0 });
  });

  test('keeps the time of creation and moves the time of the update', async () => {
    const startMs = agent.clock.now();
    await agent.write(put('notes', 'a', {}));
    agent.clock.advance(1000);
    await agent.write(put('notes', 'a', {}));
    const answer = agent.store.query('', 'notes', {});
    expect(answer).toMatchObject({
      records: [{ created_at: new Date(startMs).toISOString(), updated_at: new Date(startMs + 1000).toISOString() }],
    });
  });

  test.each([['a string'], [1], [null], [[1]]])(
    'of %j is refused where objects are kept, and kept in kv',
    async (value) => {
      expect(await codeOf(agent.write(put('notes', 'a', value)))).toBe('invalid-request');
      await agent.write(put('kv', 'a', value));
      expect(agent.read('kv', 'a')).toEqual(value);
    },
  );

  test('stores the hash of what the record is', async () => {
    const { version } = await agent.write(put('notes', 'a', { n: 1 }), 'app:u');
    const ms = agent.clock.now();
    const content = { resource: 'app:u', collection: 'notes', id: 'a', version, doc: '{"n":1}', deleted: false };
    const times = { createdAtMs: ms, updatedAtMs: ms, expiresAtMs: null };
    const line = agent.store.outbox.line(1)!;
    expect((JSON.parse(line) as RecordRow).hash).toBe(recordHash({ ...content, ...times }));
    expect(recordHash({ ...content, ...times, expiresAtMs: 1 })).not.toBe(recordHash({ ...content, ...times }));
  });
});

describe('a precondition', () => {
  test('of a version holds for that version only', async () => {
    const { version } = await agent.write(put('notes', 'a', { n: 1 }));
    await agent.write(put('notes', 'a', { n: 2 }, { precondition: { kind: 'version', version } }));
    const again = { kind: 'version', version } as const;
    expect(await codeOf(agent.write(put('notes', 'a', { n: 3 }, { precondition: again })))).toBe('precondition-failed');
    expect(await codeOf(agent.write(patch('notes', 'a', { n: 3 }, { precondition: again })))).toBe(
      'precondition-failed',
    );
    expect(await codeOf(agent.write(remove('notes', 'a', again)))).toBe('precondition-failed');
    expect(await codeOf(agent.write(put('notes', 'b', {}, { precondition: again })))).toBe('precondition-failed');
    expect(agent.read('notes', 'a')).toEqual({ n: 2 });
  });

  test('of absence holds for what was never there, was deleted or has expired', async () => {
    const absent = { precondition: { kind: 'absent' } } as const;
    const present = { precondition: { kind: 'present' } } as const;
    expect(await codeOf(agent.write(put('notes', 'a', {}, present)))).toBe('precondition-failed');
    await agent.write(put('notes', 'a', {}, absent));
    expect(await codeOf(agent.write(put('notes', 'a', {}, absent)))).toBe('precondition-failed');
    await agent.write(put('notes', 'a', {}, present));
    await agent.write(remove('notes', 'a'));
    await agent.write(put('notes', 'a', {}, { ...absent, expiresAtMs: agent.clock.now() + 1 }));
    agent.clock.advance(1);
    await agent.write(put('notes', 'a', { back: true }, absent));
    expect(agent.read('notes', 'a')).toEqual({ back: true });
  });

  test('that fails says the version there is', async () => {
    const { version } = await agent.write(put('notes', 'a', {}));
    const absent = { kind: 'absent' } as const;
    await expect(agent.write(put('notes', 'a', {}, { precondition: absent }))).rejects.toMatchObject({
      extensions: { version },
    });
  });
});

describe('a merge patch', () => {
  test('is not made of a record that rotted: its hash would fit the rot then', async () => {
    await agent.write(put('notes', 'a', { kept: 'right', n: 1 }));
    agent.reopen(() => {
      const database = openDatabase(agent.path);
      expect(database.prepare(`UPDATE records SET doc = '{"kept":"wrong","n":1}'`).run().changes).toBe(1);
      database.close();
    });
    expect(await codeOf(agent.write(patch('notes', 'a', { n: 2 })))).toBe('file-damaged');
    await agent.write(put('notes', 'a', { n: 3 }));
    expect(agent.read('notes', 'a')).toEqual({ n: 3 });
  });

  test('changes parts of a document, and its expiry only when told', async () => {
    const expiresAtMs = agent.clock.now() + 1000;
    await agent.write(put('notes', 'a', { keep: 1, drop: 2, deep: { x: 1 } }, { expiresAtMs }));
    await agent.write(patch('notes', 'a', { drop: null, deep: { y: 2 } }));
    expect(agent.read('notes', 'a')).toEqual({ keep: 1, deep: { x: 1, y: 2 } });
    expect(agent.expiryOf('notes', 'a')).toBe(expiresAtMs);
    await agent.write(patch('notes', 'a', {}, { expiresAtMs: expiresAtMs + 5 }));
    expect(agent.expiryOf('notes', 'a')).toBe(expiresAtMs + 5);
  });

  test('works on large numbers the document was allowed to hold', async () => {
    await agent.write({
      ...put('notes', 'a', {}),
      op: 'put',
      expiresAtMs: null,
      document: { value: { big: 1e20, huge: 1e300 }, text: '{"big":100000000000000000000,"huge":1e+300}' },
    });
    await agent.write(patch('notes', 'a', { more: 1 }));
    expect(agent.store.read('', 'notes', 'a')?.text).toBe('{"big":100000000000000000000,"huge":1e+300,"more":1}');
  });

  test('is refused where nothing is, where it makes no object, and where it makes too much', async () => {
    expect(await codeOf(agent.write(patch('notes', 'a', {})))).toBe('record-not-found');
    await agent.write(put('notes', 'a', { text: 'x'.repeat(limits.recordBytes - 20) }));
    expect(await codeOf(agent.write(patch('notes', 'a', 'text')))).toBe('invalid-request');
    expect(await codeOf(agent.write(patch('notes', 'a', { more: 'x'.repeat(20) })))).toBe('record-too-large');
    expect(agent.read('notes', 'a')).not.toHaveProperty('more');
  });
});

describe('a deletion', () => {
  test('leaves a tombstone that travels, and is not found twice', async () => {
    await agent.write(put('notes', 'a', { secret: 1 }, { expiresAtMs: agent.clock.now() + 1 }));
    const { seq } = await agent.write(remove('notes', 'a'));
    expect(agent.read('notes', 'a')).toBeUndefined();
    expect(JSON.parse(agent.store.outbox.line(seq)!)).toMatchObject({
      id: 'a',
      deleted: true,
      doc: null,
      expiresAtMs: null,
    });
    expect(await codeOf(agent.write(remove('notes', 'a')))).toBe('record-not-found');
    expect(await codeOf(agent.write(patch('notes', 'a', {})))).toBe('record-not-found');
    expect(agent.store.collections()).toEqual([{ name: 'notes', records: 0 }]);
    const { seq: newSeq } = await agent.write(put('notes', 'a', { again: 1 }));
    expect([newSeq, agent.read('notes', 'a')]).toEqual([seq + 1, { again: 1 }]);
  });
});

describe('expiry', () => {
  test('hides a record from every way of reading from its millisecond on', async () => {
    const expiresAtMs = agent.clock.now() + 1000;
    const { version } = await agent.write(put('kv', 'a', 1, { expiresAtMs }));
    const seen = (): unknown[] => [
      agent.read('kv', 'a'),
      agent.store.list({ resource: '', collection: 'kv' }, { prefix: '', after: '', limit: 9 }).rows.length,
      agent.store.query('', 'kv', {}),
      agent.store.query('', 'kv', { aggregate: { metrics: { n: { count: '*' } } } }),
      agent.store.isCurrent('', 'kv', 'a', version),
    ];
    agent.clock.advance(999);
    expect(seen()).toMatchObject([1, 1, { records: [{ id: 'a' }] }, { groups: [{ n: 1 }] }, true]);
    agent.clock.advance(1);
    expect(seen()).toMatchObject([undefined, 0, { records: [], next: null }, { groups: [{ n: 0 }] }, false]);
    expect(await codeOf(agent.write(remove('kv', 'a')))).toBe('record-not-found');
  });

  test('is swept in bounded steps, but not before the relay knows', async () => {
    const expiresAtMs = agent.clock.now() + 1;
    for (const id of ['a', 'b', 'c']) await agent.write(put('kv', id, 1, { expiresAtMs }));
    await agent.write(put('kv', 'd', 1));
    const { upto } = agent.store.outbox.next({ changes: 2, bytes: 1e6 })!;
    await agent.store.acknowledge(upto, []);
    expect(await agent.store.sweep(10, true)).toBe(0);
    agent.clock.advance(1);
    expect(await agent.store.sweep(1, true)).toBe(1);
    expect(await agent.store.sweep(10, true)).toBe(1);
    expect(await agent.store.sweep(10, true)).toBe(0);
    agent.expectTrueCounters();
    expect(await agent.store.sweep(10, false)).toBe(1);
    expect(agent.store.collections()).toEqual([{ name: 'kv', records: 1 }]);
    expect(agent.store.counters.outbox).toBe(1);
  });
});

describe('a resource', () => {
  test('sees its own records only, by every way of reading and writing', async () => {
    const idempotency = { key: 'k', fingerprint: 'f' };
    const { version } = await agent.write(put('kv', 'a', 'none'));
    for (const resource of ['app:a', 'app:b']) {
      await agent.store.write({ resource, operations: [put('kv', 'a', resource)], idempotency });
    }
    for (const [resource, value] of [
      ['', 'none'],
      ['app:a', 'app:a'],
      ['app:b', 'app:b'],
      ['app:c', undefined],
    ] as const) {
      expect(agent.read('kv', 'a', resource)).toBe(value);
      const page = { prefix: '', after: '', limit: 9 };
      const listed = agent.store
        .list({ resource, collection: 'kv' }, page)
        .rows.map(({ text }) => JSON.parse(text) as unknown);
      expect(listed).toEqual(value === undefined ? [] : [value]);
      const found = agent.store.query(resource, 'kv', {});
      expect('records' in found && found.records.map(({ doc }) => doc)).toEqual(listed);
    }
    expect(agent.store.query('app:a', 'kv', { where: { resource: 'app:b' } })).toMatchObject({ records: [] });
    expect(agent.store.isCurrent('app:a', 'kv', 'a', version)).toBe(false);
    expect(await codeOf(agent.write(remove('kv', 'a'), 'app:c'))).toBe('record-not-found');
    await agent.write(remove('kv', 'a'), 'app:a');
    expect(agent.read('kv', 'a', 'app:b')).toBe('app:b');
  });
});

describe('a listing', () => {
  test('goes by id, by prefix, a page at a time, whatever the ids are', async () => {
    const ids = ['a', 'a%', 'a/1', 'aa', 'a😀', 'a\u{10FFFF}', 'a\u{10FFFF}z', 'b', '\u{10FFFF}', 'é', 'A', '_'];
    await agent.store.write({ resource: '', operations: ids.map((id) => put('kv', id, id)) });
    const all = (prefix: string): string[] => {
      const found: string[] = [];
      for (let after = ''; ; after = found.at(-1)!) {
        const page = agent.store.list({ resource: '', collection: 'kv' }, { prefix, after, limit: 2 });
        found.push(...page.rows.map(({ id }) => id));
        if (!page.isMore) return found;
      }
    };
    const sorted = ids.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
    for (const prefix of ['', 'a', 'a\u{10FFFF}', 'é', 'nothing']) {
      expect(all(prefix)).toEqual(sorted.filter((id) => id.startsWith(prefix)));
    }
  });
});

describe('an idempotency key', () => {
  const write = (key: string, fingerprint: string): Promise<unknown> =>
    codeOf(agent.store.write({ resource: '', operations: [put('notes', 'a', {})], idempotency: { key, fingerprint } }));

  test('gives the same request the same answer and no second effect, also after a restart', async () => {
    const first = await write('k', 'f');
    agent.reopen();
    expect(await write('k', 'f')).toEqual(first);
    expect(agent.store.counters.lastSeq).toBe(1);
    expect(await Promise.all([write('k2', 'f'), write('k2', 'f')])).toEqual([
      [expect.objectContaining({ seq: 2 })],
      [expect.objectContaining({ seq: 2 })],
    ]);
  });

  test('is refused to another request, and free again after a day', async () => {
    await write('k', 'f');
    expect(await write('k', 'g')).toBe('idempotency-mismatch');
    agent.clock.advance(limits.idempotencySeconds * 1000);
    expect(await write('k', 'g')).toEqual([expect.objectContaining({ seq: 2 })]);
    await agent.store.sweep(10, true);
    expect(await write('k', 'f')).toBe('idempotency-mismatch');
  });

  test('is not used up by a request that failed', async () => {
    const idempotency = { key: 'k', fingerprint: 'f' };
    const failing = agent.store.write({ resource: '', operations: [remove('notes', 'a')], idempotency });
    expect(await codeOf(failing)).toBe('record-not-found');
    expect(await write('k', 'g')).toEqual([expect.objectContaining({ seq: 1 })]);
  });
});

test('a file of a newer version is refused, and let go of', () => {
  const path = directory.file('newer.db');
  new TestAgent(path)[Symbol.dispose]();
  const database = openDatabase(path);
  database.pragma('user_version = 99');
  database.close();
  expect(() => new TestAgent(path)).toThrow(expect.objectContaining({ code: 'schema-newer' }));
  const exclusive = openDatabase(path);
  // Leaving WAL needs the file for oneself alone.
  expect(exclusive.pragma('journal_mode = DELETE', { simple: true })).toBe('delete');
  exclusive.close();
});
