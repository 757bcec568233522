import { eventually } from '@holdfast/testkit';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ModelRelay, type RelayFault } from './support/model-relay.ts';
import { TestDaemon } from './support/test-daemon.ts';

const LISTEN = '/relay/channels/listen';
const PATIENCE = { limitMs: 20_000 };
const OLDER = 'the relay knows no channels: it is older';

let daemon: TestDaemon;
let relay: ModelRelay;
let token: string;
let told: string[];

beforeEach(async () => {
  relay = await ModelRelay.start();
  told = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void told.push(line) });
  daemon = await TestDaemon.start({ log, config: { 'sync.timeoutSeconds': 1, 'sync.heartbeatSeconds': 1 } });
  token = await daemon.agent('ada');
});
afterEach(async () => {
  await daemon[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
});

const join = (): Promise<unknown> =>
  daemon.call('POST /v1/node/join', { body: { relay: relay.url, token: 'join', name: 'test-node' } });
const publish = async (): Promise<unknown> => (await daemon.call('POST /v1/channels/news', { token, body: 1 })).json;
const linkState = async (): Promise<unknown> => (await daemon.call('GET /v1/node')).json.relay.state;

describe('with a relay that knows no channels, a node', () => {
  test('publishes on itself alone, says so once, and asks again when the link was lost', async () => {
    await join();
    await relay.until(() => relay.callsOf(LISTEN).length === 1);
    await eventually(async () => expect(await linkState()).toBe('open'), PATIENCE);
    expect(await publish()).toMatchObject({ listeners: 0, reach: 'node' });
    const { json } = await daemon.call('GET /v1/presence/*', { token });
    expect(json).toEqual({ present: [], reach: 'node' });
    relay.fail('/relay/session', { kind: 'reset' }, 1);
    await relay.until(() => relay.callsOf(LISTEN).length === 2);
    relay.heal();
    await eventually(async () => expect(await linkState()).toBe('open'), PATIENCE);
    expect(told.filter((line) => line.includes(OLDER))).toHaveLength(1);
    const written = await daemon.call('PUT /v1/kv/a?ack=relay', { token, body: 1 });
    expect(written.json.ack).toBe('relay');
  });
});

describe('a node whose stream of channels', () => {
  const answer = (status: number, body: object): RelayFault => ({ kind: 'answer', status, body: JSON.stringify(body) });

  test.each<[string, RelayFault]>([
    ['is broken off', { kind: 'reset' }],
    ['is refused for now', answer(503, { code: 'too-many-listeners', detail: 'full' })],
    ['is something else', answer(200, { what: 'ever' })],
    ['fails', answer(500, { code: 'internal', detail: 'a bug' })],
  ])('%s asks again, and everything else goes on', async (_what, fault) => {
    relay.fail(LISTEN, fault, 3);
    await join();
    await relay.until(() => relay.callsOf(LISTEN).length >= 3);
    expect(await publish()).toMatchObject({ reach: 'node' });
    const written = await daemon.call('PUT /v1/kv/a', { token, body: 1 });
    expect(written.status).toBe(200);
    relay.heal();
  });

  test('is that of a superseded start rests with its link', async () => {
    relay.fail(LISTEN, answer(409, { code: 'node-cloned', detail: 'another' }), 1);
    await join();
    await eventually(async () => expect(await linkState()).toBe('cloned'), PATIENCE);
    relay.heal();
    expect(relay.callsOf(LISTEN)).toHaveLength(1);
  });
});
