import { cacheClasses, cacheClassNames, type Json } from '@holdfast/protocol';
import { eventually, temporaryDirectory } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { CacheDesk } from './support/cache-desk.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

test('a value is found as it was put, whatever JSON it is, until it is removed', async () => {
  await using desk = await CacheDesk.open();
  const values: readonly Json[] = [null, false, 0, '', 'ä€😀', [], {}, [{ a: [1.5, 'x'] }], 'x'.repeat(100_000)];
  for (const [number, value] of values.entries()) {
    expect((await desk.put(`a%20key/${number}`.replace('/', '%2F'), value)).status).toBe(204);
    const read = await desk.get(`a%20key%2F${number}`);
    expect([read.status, read.headers['content-type'], read.text]).toEqual([
      200,
      'application/json',
      JSON.stringify(value),
    ]);
  }
  expect((await desk.call('DELETE /v1/cache/a%20key%2F3')).status).toBe(204);
  const gone = await desk.get('a%20key%2F3');
  expect([gone.status, gone.json.code, gone.json.ticket]).toEqual([404, 'cache-miss', undefined]);
  expect((await desk.call('DELETE /v1/cache/a%20key%2F3')).status).toBe(204);
});

test('a value put again takes the place of the one before, with its tags', async () => {
  await using desk = await CacheDesk.open();
  await desk.put('k?tags=old', 1);
  await desk.put('k?tags=new', 2);
  await desk.invalidate({ tag: 'old' });
  expect(await desk.value('k')).toBe(2);
  await desk.invalidate({ tag: 'new' });
  expect(await desk.value('k')).toBeUndefined();
});

describe('a value ends', () => {
  test.each(cacheClassNames)('after the time of its class %s, in memory as on the disk', async (name) => {
    await using home = await temporaryDirectory();
    const desk = await CacheDesk.open({ directory: home.file('node') });
    const { ttlSeconds } = cacheClasses[name];
    const query = name === 'default' ? '' : `?class=${name}`;
    await desk.put(`k${query}`, 1);
    desk.pass(ttlSeconds - 0.001);
    expect(await desk.value('k')).toBe(1);
    await using again = await desk.again();
    expect(await again.value('k')).toBe(1);
    again.pass(0.001);
    expect(await again.value('k')).toBeUndefined();
  });

  test('after the time it was put with, whatever its class', async () => {
    await using desk = await CacheDesk.open();
    await desk.put('short?class=task_result&ttl=2', 1);
    await desk.put('long?ttl=100000', 1);
    desk.pass(2);
    expect([await desk.value('short'), await desk.value('long')]).toEqual([undefined, 1]);
    desk.pass(99_000);
    expect(await desk.value('long')).toBe(1);
  });
});

test('values of one agent and resource are nothing to others, nor what they invalidate', async () => {
  await using desk = await CacheDesk.open();
  const strangers = [
    { token: await desk.daemon.agent('ben') },
    { token: await desk.daemon.boundToken('ada', 'app:one') },
    { resource: 'app:two' },
  ];
  await desk.put('k?tags=t&collections=notes', 'mine');
  for (const [number, stranger] of strangers.entries()) {
    expect(await desk.value('k', stranger)).toBeUndefined();
    expect((await desk.get('k?compute=60', stranger)).json.ticket).toBeDefined();
    await desk.call('DELETE /v1/cache/k', undefined, stranger);
    for (const which of [{ tag: 't' }, { prefix: 'k' }, { collection: 'notes' }])
      await desk.invalidate(which, stranger);
    await desk.call('PUT /v1/records/notes/n', {}, stranger);
    await desk.put('k', `of stranger ${number}`, stranger);
    expect(await desk.value('k', stranger)).toBe(`of stranger ${number}`);
    const figures = await desk.call('GET /v1/cache', undefined, stranger);
    expect(figures.json.classes.default).toMatchObject({ memory_hits: 1, misses: 2 });
  }
  expect(await desk.value('k')).toBe('mine');
});

test.each([
  ['in memory', false],
  ['on the disk, after a restart', true],
])('values are invalidated by tag, prefix and collection %s', async (_where, restarts) => {
  await using home = await temporaryDirectory();
  const first = await CacheDesk.open({ directory: home.file('node') });
  const keys = ['user:1', 'user:2', 'user:20', 'users', 'x'];
  for (const key of keys) await first.put(`${key}?tags=all,${key === 'x' ? 'x' : 'users'}`, key);
  await using desk = restarts ? await first.again() : first;
  const left = async (): Promise<unknown[]> => {
    const found = await Promise.all(keys.map((key) => desk.value(key)));
    return found.filter((value) => value !== undefined);
  };
  expect((await desk.invalidate({ prefix: 'user:2' })).status).toBe(204);
  expect(await left()).toEqual(['user:1', 'users', 'x']);
  await desk.invalidate({ tag: 'users' });
  expect(await left()).toEqual(['x']);
  await desk.invalidate({ tag: 'none' });
  expect(await left()).toEqual(['x']);
  await desk.invalidate({ tag: 'all' });
  expect(await left()).toEqual([]);
  await desk.put('x?collections=notes,tasks', 'x');
  await desk.invalidate({ collection: 'leads' });
  expect(await left()).toEqual(['x']);
  await desk.invalidate({ collection: 'tasks' });
  expect(await left()).toEqual([]);
});

test('a whole group is invalidated, however large, and nothing beside it', async () => {
  await using home = await temporaryDirectory();
  const first = await CacheDesk.open({ directory: home.file('node') });
  const keys = Array.from({ length: 700 }, (_, number) => `k-${number}`);
  await Promise.all(keys.map((key) => first.put(`${key}?tags=t`, 1)));
  await first.put('other?tags=t2', 1);
  await using desk = await first.again();
  await desk.invalidate({ tag: 't' });
  const found = await Promise.all(keys.map((key) => desk.value(key)));
  expect(found.filter((value) => value !== undefined)).toEqual([]);
  expect(await desk.value('other')).toBe(1);
});

describe('a write to a collection', () => {
  const writes: readonly (readonly [string, string, unknown])[] = [
    ['a put', 'PUT /v1/records/notes/a', { n: 1 }],
    ['a patch', 'PATCH /v1/records/notes/seed', { n: 1 }],
    ['a deletion', 'DELETE /v1/records/notes/seed', undefined],
    ['a new record', 'POST /v1/records/notes', { n: 1 }],
    [
      'a batch',
      'POST /v1/batch',
      [
        { op: 'put', collection: 'leads', doc: {} },
        { op: 'put', collection: 'notes', doc: {} },
      ],
    ],
  ];

  test.each(writes)('invalidates what depends on it once it is answered: %s', async (_what, target, body) => {
    await using desk = await CacheDesk.open();
    await desk.call('PUT /v1/records/notes/seed', { n: 0 });
    await desk.put('depends?collections=notes', 1);
    await desk.put('also?collections=other,notes&tags=t', 1);
    await desk.put('elsewhere?collections=other', 1);
    await desk.put('free', 1);
    const headers = target.startsWith('PATCH') ? { 'content-type': 'application/merge-patch+json' } : undefined;
    const sent = { token: desk.token, ...(headers && { headers }), ...(body !== undefined && { body }) };
    expect((await desk.daemon.call(target, sent)).status).toBeLessThan(300);
    const found = await Promise.all(['depends', 'also', 'elsewhere', 'free'].map((key) => desk.value(key)));
    expect(found).toEqual([undefined, undefined, 1, 1]);
  });

  test('of another resource or to another collection changes nothing, nor does one that was refused', async () => {
    await using desk = await CacheDesk.open();
    await desk.call('PUT /v1/records/notes/seed', { n: 0 });
    await desk.put('k?collections=notes', 1);
    await desk.call('PUT /v1/records/notes/a', {}, { resource: 'app:one' });
    await desk.call('PUT /v1/records/others/a', {});
    await desk.call('DELETE /v1/records/notes/none');
    expect(await desk.value('k')).toBe(1);
  });

  test('is noticed also by what stands on the disk alone', async () => {
    await using desk = await CacheDesk.open({ config: { 'cache.megabytes': 1 } });
    await desk.put('k?collections=notes', 1);
    await desk.put('kept', 1);
    // Larger than what memory holds: what was there before is on the disk alone then.
    for (let large = 0; large < 4; large += 1) await desk.put(`large-${large}`, 'x'.repeat(400 * KIB));
    await desk.call('PUT /v1/records/notes/a', {});
    expect([await desk.value('k'), await desk.value('kept')]).toEqual([undefined, 1]);
    const { json } = await desk.call('GET /v1/cache');
    expect(json.classes.default).toMatchObject({ disk_hits: 1, memory_hits: 0 });
  });

  test('leaves nothing that depends on collections over a restart: nobody knows what was written meanwhile', async () => {
    await using home = await temporaryDirectory();
    const first = await CacheDesk.open({ directory: home.file('node') });
    await first.put('depends?collections=notes', 1);
    await first.put('free?tags=t', 1);
    await using desk = await first.again();
    expect([await desk.value('depends'), await desk.value('free')]).toEqual([undefined, 1]);
  });
});

describe('the room there is', () => {
  test('in memory is kept to, the least recently used go to the disk alone', async () => {
    await using desk = await CacheDesk.open({ config: { 'cache.megabytes': 1 } });
    await desk.put('first', 'x'.repeat(100 * KIB));
    await desk.put('second', 'x'.repeat(100 * KIB));
    for (let number = 0; number < 40; number += 1) {
      expect(await desk.value('first')).toBeDefined();
      await desk.put(`k-${number}`, number % 2 === 0 ? 'x'.repeat(90 * KIB) : 'ж'.repeat(20 * KIB));
      expect(await desk.metric('holdfast_cache_memory_bytes')).toBeLessThanOrEqual(MIB);
    }
    expect(await desk.value('second')).toBeDefined();
    const { json } = await desk.call('GET /v1/cache');
    expect(json.classes.default).toMatchObject({ memory_hits: 40, disk_hits: 1, misses: 0 });
  });

  test('on the disk is kept to, the least recently used go', async () => {
    await using home = await temporaryDirectory();
    const config = { 'cache.diskMegabytes': 2, 'cache.megabytes': 1 };
    const first = await CacheDesk.open({ directory: home.file('node'), config });
    for (let number = 0; number < 60; number += 1) {
      first.pass(1);
      await first.put(`k-${number}`, 'x'.repeat(100 * KIB));
      expect(await first.metric('holdfast_cache_file_bytes')).toBeLessThanOrEqual(2 * MIB);
    }
    await using desk = await first.again({ config });
    const found = await Promise.all(Array.from({ length: 60 }, (_, number) => desk.value(`k-${number}`)));
    const kept = found.flatMap((value, number) => (value === undefined ? [] : [number]));
    expect(kept.length).toBeGreaterThan(12);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => 60 - kept.length + index));
  });

  test('is given back by what has ended', async () => {
    await using desk = await CacheDesk.open({ config: { 'expiry.seconds': 1 } });
    const empty = await desk.metric('holdfast_cache_file_bytes');
    for (let number = 0; number < 300; number += 1) await desk.put(`k-${number}?ttl=10`, 'x'.repeat(5 * KIB));
    expect(await desk.metric('holdfast_cache_file_bytes')).toBeGreaterThan(empty + MIB);
    desk.pass(10);
    const isSwept = async (): Promise<void> => {
      expect(await desk.metric('holdfast_cache_file_bytes')).toBeLessThan(empty + 100 * KIB);
    };
    await eventually(isSwept, { limitMs: 20_000 });
  });

  test('may be none on the disk', async () => {
    await using home = await temporaryDirectory();
    const first = await CacheDesk.open({ directory: home.file('node') });
    await first.put('k', 1);
    const second = await first.again({ config: { 'cache.diskMegabytes': 0 } });
    expect(await second.value('k')).toBeUndefined();
    await second.put('k', 2);
    expect(await second.value('k')).toBe(2);
    await using desk = await second.again();
    expect(await desk.value('k')).toBeUndefined();
  });
});

test('it is counted by class how values were found, for the agent and for the operator', async () => {
  await using home = await temporaryDirectory();
  const first = await CacheDesk.open({ directory: home.file('node') });
  await first.put('q?class=query', 1);
  await using desk = await first.again();
  for (let read = 0; read < 3; read += 1) await desk.get('q');
  await desk.get('none?class=query');
  await desk.get('none');
  const { json } = await desk.call('GET /v1/cache');
  expect(Object.keys(json.classes as object)).toEqual(cacheClassNames);
  expect(json.classes.query).toEqual({
    ttl_seconds: 600,
    memory_hits: 2,
    disk_hits: 1,
    shared: 0,
    misses: 1,
    hit_rate: 0.75,
  });
  expect(json.classes.metrics).toMatchObject({ misses: 0, hit_rate: null });
  expect(await desk.metric('holdfast_cache_requests_total{class="query",found="memory"}')).toBe(2);
  expect(await desk.metric('holdfast_cache_requests_total{class="default",found="misses"}')).toBe(1);
});

test('what cannot be cached is refused, and nothing of it kept', async () => {
  await using desk = await CacheDesk.open();
  const many = Array.from({ length: 17 }, (_, number) => `t${number}`).join(',');
  for (const query of [
    'class=none',
    'ttl=0',
    'ttl=x',
    `tags=${many}`,
    'tags=',
    'tags=a,,b',
    'collections=A',
    'ticket=x',
    'x=1',
  ])
    expect([query, (await desk.put(`k?${query}`, 1)).status]).toEqual([query, 422]);
  expect((await desk.call('PUT /v1/cache/k', '{')).json.code).toBe('bad-json');
  expect((await desk.put('k', 'x'.repeat(MIB))).json.code).toBe('record-too-large');
  for (const which of [{}, { tag: 'a', prefix: 'b' }, { tag: 'a,b' }, { prefix: '' }])
    expect((await desk.invalidate(which)).status).toBe(422);
  for (const query of ['compute=0', 'compute=301', 'class=none'])
    expect((await desk.get(`k?${query}`)).status).toBe(422);
  expect(await desk.value('k')).toBeUndefined();
});
