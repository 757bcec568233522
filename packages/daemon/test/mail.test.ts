import { expect, test } from 'vitest';

import { TestDaemon } from './support/test-daemon.ts';

const START_MS = Date.UTC(2026, 10, 20);

test('a letter stands in the inbox of the agent it is to, from whom the token says', async () => {
  await using daemon = await TestDaemon.start();
  const [ada, ben] = [await daemon.agent('ada'), await daemon.agent('ben')];
  const sent = await daemon.call('POST /v1/mail', {
    token: ada,
    body: { to: 'ben', subject: 'Hello', body: { n: 1 } },
  });
  expect([sent.status, sent.json.to]).toEqual([201, 'ben']);
  const inbox = await daemon.call('GET /v1/mail?status=unread', { token: ben });
  expect(inbox.json).toMatchObject({
    letters: [{ id: sent.json.id, from: 'ada', to: 'ben', subject: 'Hello', body: { n: 1 }, read_at: null }],
    next: null,
  });
  expect((await daemon.call('GET /v1/mail', { token: ada })).json.letters).toEqual([]);
});

test('a letter is marked as read once', async () => {
  const clock = { ms: START_MS };
  await using daemon = await TestDaemon.start({ now: () => clock.ms });
  const ada = await daemon.agent('ada');
  const { id } = (await daemon.call('POST /v1/mail', { token: ada, body: { to: 'ada', body: 'to myself' } })).json;
  const first = await daemon.call(`POST /v1/mail/${id}/read`, { token: ada });
  expect(first.json.read_at).toBe(new Date(START_MS).toISOString());
  clock.ms += 60_000;
  expect((await daemon.call(`POST /v1/mail/${id}/read`, { token: ada })).json).toEqual(first.json);
  expect((await daemon.call('GET /v1/mail?status=unread', { token: ada })).json.letters).toEqual([]);
  expect((await daemon.call('POST /v1/mail/none/read', { token: ada })).json.code).toBe('record-not-found');
});

test('the inbox goes from the oldest letter to the newest, page by page', async () => {
  const clock = { ms: START_MS };
  await using daemon = await TestDaemon.start({ now: () => clock.ms });
  const ada = await daemon.agent('ada');
  for (let letter = 0; letter < 5; letter += 1) {
    clock.ms += 1000;
    await daemon.call('POST /v1/mail', { token: ada, body: { to: 'ada', body: letter } });
  }
  const bodies: unknown[] = [];
  for (let next = ''; next !== null;) {
    const page = await daemon.call(`GET /v1/mail?limit=2${next === '' ? '' : `&after=${next}`}`, { token: ada });
    for (const { body } of page.json.letters) bodies.push(body);
    next = page.json.next;
  }
  expect(bodies).toEqual([0, 1, 2, 3, 4]);
});

test('a letter sent again under its key arrives once, and a key of its reader does not meet it', async () => {
  await using daemon = await TestDaemon.start();
  const [ada, ben] = [await daemon.agent('ada'), await daemon.agent('ben')];
  const letter = { headers: { 'idempotency-key': 'k' }, body: { to: 'ben', body: 'once' } };
  const first = await daemon.call('POST /v1/mail', { token: ada, ...letter });
  expect((await daemon.call('POST /v1/mail', { token: ada, ...letter })).json).toEqual(first.json);
  expect((await daemon.call('POST /v1/records/notes', { token: ben, ...letter })).status).toBe(201);
  expect((await daemon.call('GET /v1/mail', { token: ben })).json.letters).toHaveLength(1);
});

test('letters stay in their resource, and go to agents there are', async () => {
  await using daemon = await TestDaemon.start();
  await daemon.agent('ada');
  const ben = await daemon.agent('ben');
  const one = await daemon.boundToken('ada', 'app:one');
  await daemon.call('POST /v1/mail', { token: one, body: { to: 'ben', body: 'inside' } });
  expect((await daemon.call('GET /v1/mail', { token: ben })).json.letters).toEqual([]);
  const headers = { 'holdfast-resource': 'app:one' };
  expect((await daemon.call('GET /v1/mail', { token: ben, headers })).json.letters).toHaveLength(1);
  const nobody = await daemon.call('POST /v1/mail', { token: ben, body: { to: 'nobody', body: 1 } });
  expect(nobody.json.code).toBe('agent-not-found');
  const elsewhere = await daemon.call('POST /v1/mail', { token: ben, body: { to: 'ada@laptop', body: 1 } });
  expect([elsewhere.status, elsewhere.json.code]).toEqual([503, 'not-enrolled']);
});
