import { FakeClock } from '@holdfast/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type AnyJson, TestDaemon, type TestReply } from './support/test-daemon.ts';

let daemon: TestDaemon;
let token: string;
const clock = new FakeClock();

beforeAll(async () => {
  daemon = await TestDaemon.start({ now: clock.now });
  token = await daemon.agent('ada');
});
afterAll(() => daemon[Symbol.asyncDispose]());

const call = (target: string, body?: unknown, as: string = token): Promise<TestReply> =>
  daemon.call(target, { token: as, body });

async function put(collection: string, id: string, doc: unknown, as: string = token): Promise<void> {
  const { status } = await call(`PUT /v1/records/${collection}/${id}`, doc, as);
  expect(status).toBe(200);
}

async function stored(collection: string, id: string): Promise<AnyJson> {
  return (await call(`GET /v1/records/${collection}/${id}`)).json;
}

function expectRefused(reply: TestReply, status: number, code: string): void {
  expect({ status: reply.status, code: reply.json?.code as unknown }).toEqual({ status, code });
  expect(reply.headers['content-type']).toBe('application/problem+json');
}

const idsOf = ({ json }: TestReply): string[] => (json.records as { id: string }[]).map(({ id }) => id);

/** An agent of its own, so that a test has its collections to itself. */
let agents = 0;
async function freshAgent(): Promise<{ readonly name: string; readonly token: string }> {
  agents += 1;
  const name = `agent-${agents}`;
  return { name, token: await daemon.agent(name) };
}

describe('candidates', () => {
  test('hold what a recruiter notes and further fields too; what does not fit is told without the value', async () => {
    const free = { name: 'Ada', hobby: 'chess', nested: { deep: [1] } };
    await put('candidates', 'free', free);
    expect(await stored('candidates', 'free')).toEqual(free);
    const wrong = await call('PUT /v1/records/candidates/wrong', { email: 'secret at example', experience_years: -1 });
    expectRefused(wrong, 422, 'invalid-request');
    expect(wrong.json.issues).toEqual([
      { path: 'email', message: 'expected an e-mail address' },
      { path: 'experience_years', message: 'expected at least 0' },
    ]);
    expect(wrong.text).not.toContain('secret');
  });

  test('are found by skills, experience and words through their indexes', async () => {
    const { token: as } = await freshAgent();
    await put('candidates', 'a', { skills: ['Python', 'Go'], experience_years: 3, resume: 'distributed systems' }, as);
    await put('candidates', 'b', { skills: ['Python'], experience_years: 9, resume: 'data' }, as);
    const query = async (body: unknown): Promise<AnyJson> =>
      (await call('POST /v1/records/candidates/query', body, as)).json;
    const has = { skills: { hasAll: ['Python'] }, experience_years: { gte: 3 } };
    expect((await query({ where: has })).records).toHaveLength(2);
    expect((await query({ where: has, search: 'distributed' })).records).toMatchObject([{ id: 'a' }]);
    const { plan } = await query({ where: has, explain: true });
    expect(plan.steps).toContainEqual(expect.stringMatching(/^SCAN members VIRTUAL TABLE INDEX/));
    const status = await query({ where: { status: 'active', experience_years: { gte: 3 } }, explain: true });
    expect(status.plan.indexes).toEqual(['candidates (status, experience_years)']);
  });
});

describe('duplicates', () => {
  const duplicates = async (as: string, limit = ''): Promise<AnyJson> =>
    (await call(`GET /v1/candidates/duplicates${limit}`, undefined, as)).json;

  test('are candidates with one address, whatever its case; others are left out', async () => {
    const { token: as } = await freshAgent();
    expect(await duplicates(as)).toEqual({ duplicates: [], complete: true });
    for (const [id, email] of [
      ['c-1', 'Zoe@Example.org'],
      ['c-2', 'zoe@example.org'],
      ['c-3', 'ann@example.org'],
      ['c-4', 'ZOE@EXAMPLE.ORG'],
      ['c-5', 'ben@example.org'],
      ['c-6', 'BEN@example.org'],
    ]) {
      await put('candidates', id ?? '', { email }, as);
    }
    await put('candidates', 'none-1', {}, as);
    await put('candidates', 'none-2', { email: null }, as);
    await call('PUT /v1/records/candidates/gone', { email: 'ann@example.org' }, as);
    await call('DELETE /v1/records/candidates/gone', undefined, as);
    const ben = { email: 'ben@example.org', count: 2, candidates: ['c-5', 'c-6'] };
    const zoe = { email: 'zoe@example.org', count: 3, candidates: ['c-1', 'c-2', 'c-4'] };
    expect(await duplicates(as)).toEqual({ duplicates: [ben, zoe], complete: true });
    expect(await duplicates(as, '?limit=1')).toEqual({ duplicates: [ben], complete: false });
    expect(await duplicates(as, '?limit=2')).toEqual({ duplicates: [ben, zoe], complete: true });
  });

  test('of one address are counted all and named as far as an answer goes', async () => {
    const { token: as } = await freshAgent();
    const body = Array.from({ length: 250 }, (_, index) => ({
      op: 'put',
      collection: 'candidates',
      id: `c-${String(index).padStart(3, '0')}`,
      doc: { email: 'same@example.org' },
    }));
    expect((await call('POST /v1/batch', body, as)).status).toBe(200);
    const { duplicates: found } = await duplicates(as);
    expect(found).toMatchObject([{ count: 250 }]);
    expect(found[0].candidates).toEqual(body.slice(0, 100).map(({ id }) => id));
  });

  test('count within an agent and a resource only', async () => {
    const { name, token: as } = await freshAgent();
    const other = await freshAgent();
    const bound = await daemon.boundToken(name, 'app:one');
    await put('candidates', 'c-1', { email: 'zoe@example.org' }, as);
    await put('candidates', 'c-2', { email: 'zoe@example.org' }, bound);
    await put('candidates', 'c-3', { email: 'zoe@example.org' }, other.token);
    for (const each of [as, bound, other.token]) expect((await duplicates(each)).duplicates).toEqual([]);
  });

  test.each(['limit=0', 'limit=1001', 'limit=x', 'after=a'])('?%s is refused', async (query) => {
    expectRefused(await call(`GET /v1/candidates/duplicates?${query}`), 422, 'invalid-request');
  });
});

describe('upcoming interviews', () => {
  const HOUR_MS = 3_600_000;
  const inHours = (hours: number): string => new Date(clock.now() + hours * HOUR_MS).toISOString();

  test('are those scheduled in the days asked for, the next one first, of one interviewer if wished', async () => {
    const { token: as } = await freshAgent();
    const plans: [string, object][] = [
      ['past', { scheduled_at: inHours(-1) }],
      ['later', { scheduled_at: inHours(30), interviewer: 'grace' }],
      ['next', { scheduled_at: inHours(1), interviewer: 'alan' }],
      ['far', { scheduled_at: inHours(24 * 8) }],
      ['off', { scheduled_at: inHours(2), status: 'cancelled' }],
      ['open', { candidate: 'c-1' }],
    ];
    for (const [id, doc] of plans) await put('interviews', id, doc, as);
    const upcoming = (query: string): Promise<TestReply> => call(`GET /v1/interviews/upcoming${query}`, undefined, as);
    expect(idsOf(await upcoming(''))).toEqual(['next', 'later']);
    expect(idsOf(await upcoming('?days=1'))).toEqual(['next']);
    expect(idsOf(await upcoming('?days=9'))).toEqual(['next', 'later', 'far']);
    expect(idsOf(await upcoming('?interviewer=grace'))).toEqual(['later']);
    expect(idsOf(await upcoming(`?from=${inHours(-2)}`))).toEqual(['past', 'next', 'later']);
  });

  test('come in pages that go on from the moment the first one was asked', async () => {
    const { token: as } = await freshAgent();
    for (const number of [1, 2, 3]) await put('interviews', `i-${number}`, { scheduled_at: inHours(number) }, as);
    const first = await call('GET /v1/interviews/upcoming?limit=2', undefined, as);
    clock.advance(HOUR_MS * 2.5);
    const { from, next } = first.json as { from: string; next: string };
    const second = await call(`GET /v1/interviews/upcoming?limit=2&from=${from}&after=${next}`, undefined, as);
    expect([...idsOf(first), ...idsOf(second)]).toEqual(['i-1', 'i-2', 'i-3']);
    expect(second.json).toMatchObject({ from, next: null });
    const elsewhere = await call(`GET /v1/interviews/upcoming?after=${next}`, undefined, as);
    expectRefused(elsewhere, 422, 'invalid-request');
  });

  test.each(['days=0', 'days=367', 'days=1.5', 'from=tomorrow', 'interviewer=', 'limit=1001', 'who=me'])(
    '?%s is refused',
    async (query) => {
      expectRefused(await call(`GET /v1/interviews/upcoming?${query}`), 422, 'invalid-request');
    },
  );
});

describe('the outcome of an interview', () => {
  const outcome = (id: string, body: unknown, as?: string): Promise<TestReply> =>
    call(`POST /v1/interviews/${id}/outcome`, body, as);

  test('is recorded once: the interview is done, the same again changes nothing, another one is refused', async () => {
    await put('interviews', 'i-1', { candidate: 'c-1', feedback: 'a draft' });
    const said = { outcome: 'pass', rating: 4.5 };
    const { json, headers, status } = await outcome('i-1', said);
    expect(status).toBe(200);
    expect(json).toEqual({ id: 'i-1', version: headers.etag?.slice(1, -1), ack: 'local', repeated: false });
    const done = await stored('interviews', 'i-1');
    const doneAt = new Date(clock.now()).toISOString();
    expect(done).toEqual({ candidate: 'c-1', feedback: 'a draft', status: 'done', ...said, done_at: doneAt });
    clock.advance(1000);
    const again = await outcome('i-1', said);
    expect(again.json).toEqual({ ...json, repeated: true });
    for (const other of [{ outcome: 'fail' }, { ...said, rating: 1 }, { ...said, feedback: 'more' }]) {
      expectRefused(await outcome('i-1', other), 412, 'precondition-failed');
    }
    expect(await stored('interviews', 'i-1')).toEqual(done);
  });

  test('of two that race only one is recorded', async () => {
    await put('interviews', 'raced', {});
    const said = ['pass', 'fail', 'undecided', 'pass', 'fail', 'undecided'];
    const replies = await Promise.all(said.map((each) => outcome('raced', { outcome: each })));
    const { outcome: recorded } = await stored('interviews', 'raced');
    const firsts = replies.filter(({ json }) => json.repeated === false);
    expect(firsts).toHaveLength(1);
    const statuses = replies.map(({ status }) => status);
    expect(statuses).toEqual(said.map((each) => (each === recorded ? 200 : 412)));
  });

  test('is not of one that does not take place, nor of one that is not there, nor of another agent’s', async () => {
    await put('interviews', 'cancelled', { status: 'cancelled' });
    expectRefused(await outcome('cancelled', { outcome: 'pass' }), 412, 'precondition-failed');
    expectRefused(await outcome('nowhere', { outcome: 'pass' }), 404, 'record-not-found');
    await put('interviews', 'mine', {});
    const bound = await daemon.boundToken('ada', 'app:one');
    for (const stranger of [(await freshAgent()).token, bound]) {
      expectRefused(await outcome('mine', { outcome: 'pass' }, stranger), 404, 'record-not-found');
    }
    expect(await stored('interviews', 'mine')).toEqual({ status: 'scheduled' });
  });

  test.each([
    {},
    { outcome: 'maybe' },
    { outcome: 'pass', rating: 6 },
    { outcome: 'pass', rating: 0.5 },
    { outcome: 'pass', feedback: 'x'.repeat(20_001) },
    { outcome: 'pass', by: 'grace' },
    [],
  ])('%j is refused', async (body) => {
    await put('interviews', 'untouched', {});
    expectRefused(await outcome('untouched', body), 422, 'invalid-request');
    expect(await stored('interviews', 'untouched')).toEqual({ status: 'scheduled' });
  });
});

describe('interactions', () => {
  const acknowledge = (id: string, body: unknown = {}, as?: string): Promise<TestReply> =>
    call(`POST /v1/interactions/${id}/acknowledge`, body, as);

  test('wait for their manager, the oldest first, in pages', async () => {
    const { token: as } = await freshAgent();
    for (const [id, manager] of [
      ['z-first', 'grace'],
      ['a-second', 'alan'],
      ['m-third', 'grace'],
      ['b-fourth', 'grace'],
    ]) {
      clock.advance(1000);
      await put('interactions', id ?? '', { manager, content: 'Have a look' }, as);
    }
    const pending = (query: string): Promise<TestReply> => call(`GET /v1/interactions/pending${query}`, undefined, as);
    expect(idsOf(await pending(''))).toEqual(['z-first', 'a-second', 'm-third', 'b-fourth']);
    const first = await pending('?manager=grace&limit=2');
    expect(idsOf(first)).toEqual(['z-first', 'm-third']);
    const second = await pending(`?manager=grace&limit=2&after=${first.json.next as string}`);
    expect([idsOf(second), second.json.next]).toEqual([['b-fourth'], null]);
    await acknowledge('m-third', {}, as);
    expect(idsOf(await pending('?manager=grace'))).toEqual(['z-first', 'b-fourth']);
    for (const query of ['?manager=', '?limit=0', '?after=nonsense', '?mananger=grace'])
      expectRefused(await pending(query), 422, 'invalid-request');
  });

  test('are acknowledged once: the same again is harmless, another answer is refused', async () => {
    await put('interactions', 'm-1', { manager: 'grace', content: 'Invite her?' });
    const said = { by: 'grace', response: 'Yes' };
    const { json } = await acknowledge('m-1', said);
    const at = new Date(clock.now()).toISOString();
    expect(json).toMatchObject({ id: 'm-1', repeated: false, acknowledged_at: at });
    clock.advance(5000);
    expect((await acknowledge('m-1', said)).json).toEqual({ ...json, repeated: true });
    for (const other of [{}, { by: 'alan', response: 'Yes' }, { by: 'grace', response: 'No' }, { by: 'grace' }])
      expectRefused(await acknowledge('m-1', other), 412, 'precondition-failed');
    expect(await stored('interactions', 'm-1')).toEqual({
      manager: 'grace',
      content: 'Invite her?',
      status: 'acknowledged',
      acknowledged_at: at,
      acknowledged_by: 'grace',
      response: 'Yes',
    });
  });

  test('are acknowledged by exactly one of many callers who race, while others write to the same record', async () => {
    for (const round of Array.from({ length: 10 }, (_, index) => index)) {
      const id = `race-${round}`;
      await put('interactions', id, { manager: 'grace' });
      const headers = { 'content-type': 'application/merge-patch+json' };
      const [replies] = await Promise.all([
        Promise.all(['ann', 'ben', 'cem', 'dan'].map((by) => acknowledge(id, { by }))),
        daemon.call(`PATCH /v1/records/interactions/${id}`, { token, headers, body: { seen: round } }),
      ]);
      const won = replies.filter(({ status }) => status === 200);
      expect(won).toHaveLength(1);
      expect(won[0]?.json.repeated).toBe(false);
      for (const reply of replies) if (reply.status !== 200) expectRefused(reply, 412, 'precondition-failed');
      expect(await stored('interactions', id)).toMatchObject({ status: 'acknowledged', seen: round });
    }
  });

  test('of another agent or resource are not there', async () => {
    await put('interactions', 'mine', { manager: 'grace', content: 'for ada only' });
    const bound = await daemon.boundToken('ada', 'app:two');
    for (const stranger of [(await freshAgent()).token, bound]) {
      expectRefused(await acknowledge('mine', {}, stranger), 404, 'record-not-found');
      expect((await call('GET /v1/interactions/pending', undefined, stranger)).json.records).toEqual([]);
    }
    expect(await stored('interactions', 'mine')).toMatchObject({ status: 'pending' });
  });

  test('say 202 when the relay did not take the acknowledgement in time', async () => {
    await put('interactions', 'far', {});
    const reply = await call('POST /v1/interactions/far/acknowledge?ack=relay&timeout=0', {});
    expect([reply.status, reply.json.ack]).toEqual([202, 'local']);
  });

  test.each([{ by: '' }, { by: 'x'.repeat(201) }, { response: 'x'.repeat(20_001) }, { note: 'x' }, 'ok'])(
    'acknowledging with %j is refused',
    async (body) => {
      await put('interactions', 'untouched', {});
      const reply = await acknowledge('untouched', typeof body === 'string' ? JSON.stringify(body) : body);
      expectRefused(reply, 422, 'invalid-request');
      expect(await stored('interactions', 'untouched')).toEqual({ status: 'pending' });
    },
  );
});
