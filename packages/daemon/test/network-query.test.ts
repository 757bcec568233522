import type { NetworkQuery } from '@holdfast/protocol';
import { eventually } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ModelRelay } from './support/model-relay.ts';
import { TestDaemon, type TestReply } from './support/test-daemon.ts';

const QUERY = '/relay/query';
const PATIENCE = { limitMs: 20_000 };

let daemon: TestDaemon;
let relay: ModelRelay;
let ada: string;

beforeEach(async () => {
  relay = await ModelRelay.start();
  daemon = await TestDaemon.start({ config: { 'sync.timeoutSeconds': 1 } });
  ada = await daemon.agent('ada');
});
afterEach(async () => {
  await daemon[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
});

const ask = (body: NetworkQuery = {}, extra: object = { token: ada }): Promise<TestReply> =>
  daemon.call('POST /v1/network/query', { body, ...extra });

async function enrolled(): Promise<void> {
  await daemon.call('POST /v1/node/join', { body: { relay: relay.url, token: 'join', name: 'test-node' } });
  await untilLink('open');
}

async function untilLink(state: string): Promise<void> {
  await eventually(async () => expect((await daemon.call('GET /v1/node')).json.relay.state).toBe(state), PATIENCE);
}

describe('a query over the network', () => {
  beforeEach(() => enrolled());

  const asked = async (body: NetworkQuery, extra: object): Promise<unknown> => {
    expect((await ask(body, extra)).status).toBe(200);
    return relay.callsOf(QUERY).at(-1)?.body;
  };

  test('goes to the relay with the node’s credential, and its answer comes back as it is', async () => {
    const answer = { records: [], next: null, told: { later: 'by a newer relay' } };
    relay.fail(QUERY, { kind: 'answer', status: 200, body: JSON.stringify(answer) }, 1);
    expect((await ask({ where: { a: 1 } })).json).toEqual(answer);
    expect(relay.callsOf(QUERY)[0]?.headers.authorization).toBe(`Bearer ${relay.credential}`);
    relay.heal();
  });

  test('is for the agent whose token asks, whatever it names', async () => {
    const all = { for_agent: 'ada', resources: [''] };
    await expect(asked({}, { token: ada })).resolves.toEqual(all);
    await expect(asked({ agents: ['bob'] }, { token: ada })).resolves.toEqual({ ...all, agents: ['bob'] });
    await expect(asked({}, { headers: { 'holdfast-agent': 'ada' } })).resolves.toEqual(all);
  });

  test('is about the whole node for its admin, who may narrow it', async () => {
    await expect(asked({}, {})).resolves.toEqual({});
    await expect(asked({ agents: ['bob'], resources: ['app:1'] }, {})).resolves.toEqual({
      agents: ['bob'],
      resources: ['app:1'],
    });
  });

  test('is about one resource for a token bound to it, and for a request that names one', async () => {
    const bound = await daemon.boundToken('ada', 'app:one');
    const one = { for_agent: 'ada', resources: ['app:one'] };
    await expect(asked({}, { token: bound })).resolves.toEqual(one);
    await expect(asked({ resources: ['app:two'] }, { token: bound })).resolves.toEqual({ ...one, resources: [] });
    await expect(asked({ resources: ['', 'app:one'] }, { token: bound })).resolves.toEqual(one);
    const headers = { 'holdfast-resource': 'app:one' };
    await expect(asked({ resources: ['app:two'] }, { token: ada, headers })).resolves.toEqual({
      ...one,
      resources: [],
    });
    const several = { resources: ['app:one', 'app:two'] };
    await expect(asked(several, { token: ada })).resolves.toEqual({ ...several, for_agent: 'ada' });
  });

  test('may ask how fresh the answer is, but not with a token that is bound to a resource', async () => {
    await expect(asked({ freshness: true }, {})).resolves.toEqual({ freshness: true });
    const { status, json } = await ask({ freshness: true }, { token: await daemon.boundToken('ada', 'app:one') });
    expect([status, json.code]).toEqual([403, 'forbidden']);
  });

  test('that the relay refuses is refused with its code', async () => {
    const body = JSON.stringify({ code: 'invalid-request', detail: 'after: not a page token of this query' });
    relay.fail(QUERY, { kind: 'answer', status: 422, body }, 1);
    const { status, json } = await ask({ after: 'x' });
    expect([status, json.code]).toEqual([422, 'invalid-request']);
    expect(json.detail).toContain('after: not a page token of this query');
    relay.heal();
  });
});

describe('without a relay that answers, a query over the network', () => {
  const expectAway = ({ status, json }: TestReply): void => {
    expect([status, json.code, json.retryable]).toEqual([503, 'relay-unreachable', true]);
    expect(json.last_contact_at).toMatch(/^20/);
    expect(json.detail).toContain(`not heard of since ${String(json.last_contact_at)}`);
  };

  test('is refused on a node that never joined one', async () => {
    const { status, json } = await ask();
    expect([status, json.code, json.retryable]).toEqual([503, 'not-enrolled', false]);
    expect(json.remedy).toContain('holdfast join');
  });

  test('says since when the relay is away', async () => {
    await enrolled();
    relay.fail('/relay', { kind: 'reset' });
    expectAway(await ask());
  });

  test('does not wait for ever for a relay that took it and is silent', async () => {
    await enrolled();
    relay.fail('/relay', { kind: 'hang' });
    expectAway(await ask());
    expect(relay.callsOf(QUERY)).toHaveLength(1);
  });

  test('is not even sent while the link is down, and is answered once the relay is back', async () => {
    await enrolled();
    relay.fail('/relay', { kind: 'reset' });
    await ask();
    await untilLink('waiting');
    const sent = relay.callsOf(QUERY).length;
    expectAway(await ask());
    expect(relay.callsOf(QUERY)).toHaveLength(sent);
    relay.heal();
    await eventually(async () => expect((await ask()).status).toBe(200), PATIENCE);
  });

  test('that fails makes the link look for the relay at once, not with the next heartbeat, and not with each', async () => {
    await enrolled();
    const sessions = relay.callsOf('/relay/session').length;
    relay.fail(QUERY, { kind: 'reset' }, 3);
    await Promise.all([relay.next('/relay/session'), ask()]);
    for (const _ of [1, 2]) await ask();
    expect((await ask()).status).toBe(200);
    expect(relay.callsOf('/relay/session')).toHaveLength(sessions + 1);
    relay.heal();
  });
});

describe('what waits on the node', () => {
  const put = (id: string): Promise<TestReply> => daemon.call(`PUT /v1/records/notes/${id}`, { token: ada, body: {} });

  test('is told with each session, once the files are known, and with each batch what waits behind it', async () => {
    await enrolled();
    relay.fail('/relay/batch', { kind: 'answer', status: 503, headers: { 'retry-after': '1' } });
    for (const id of ['a', 'b', 'c']) await put(id);
    // Makes it renew the session now.
    relay.fail(QUERY, { kind: 'reset' }, 1);
    const [session] = await Promise.all([relay.next('/relay/session'), ask()]);
    expect(session.body).toMatchObject({ waiting: [{ agent: 'ada', seq: 3, changes: 3 }] });
    relay.forgive();
    await eventually(() => expect(Object.keys(relay.documents('ada'))).toHaveLength(3), PATIENCE);
    expect(relay.callsOf('/relay/batch').at(-1)?.body).toMatchObject({ count: 3, waiting: 0 });
  });

  test('is told of a batch that does not take everything', async () => {
    const lines = Array.from({ length: 1500 }, (_, n) =>
      JSON.stringify({ op: 'put', collection: 'n', id: `${n}`, doc: { n } }),
    );
    const headers = { 'content-type': 'application/x-ndjson' };
    await daemon.call('POST /v1/batch', { token: ada, headers, body: `${lines.join('\n')}\n` });
    await enrolled();
    await relay.until(() => relay.callsOf('/relay/batch').length >= 2);
    const told = relay.callsOf('/relay/batch').map(({ body }): unknown => [body.count, body.waiting]);
    expect(told.slice(0, 2)).toEqual([
      [1000, 500],
      [500, 0],
    ]);
  });
});
